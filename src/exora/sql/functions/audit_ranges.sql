-- exora.audit_ranges: the ranges of (xid, id) that the runs from p_from to p_to sealed, neighbors joined into one.
-- With p_tail also what lies behind the last run up to the horizon, where nothing may be. A count of transactions that
-- was closed, since the database moved to another server, is sealed to its end.
create or replace function exora.audit_ranges(p_from bigint, p_to bigint, p_broken exora.audit_finding[], p_tail boolean)
returns table (floor_id bigint, ceiling_id bigint, from_xid bigint, from_id bigint, to_xid bigint, to_id bigint)
language sql stable security definer set search_path = '' as $$
  with run as (
    select distinct on (s.run) s.run, s.floor_id, s.from_xid, s.from_id, s.to_xid, s.to_id
      from exora.audit_seals s
     where s.run between p_from and p_to
       and not exists (select from unnest(p_broken) b where b.kind = 'seal_broken' and b.chain = s.chain and b.seq = s.seq)
     order by s.run
  ), closed as (
    select r.run, r.floor_id, r.from_xid, r.from_id,
           case when e.closing then 9223372036854775807 else r.to_xid end as to_xid,
           case when e.closing then 9223372036854775807 else r.to_id end as to_id
      from run r cross join exora.audit_progress p,
           lateral (select r.floor_id < p.floors[cardinality(p.floors)] and not exists (
                      select from exora.audit_seals n where n.run = r.run + 1 and n.floor_id = r.floor_id) as closing) e
    union all
    select p.run + 1, p.floors[cardinality(p.floors)],
           coalesce(l.to_xid, 0), coalesce(l.to_id, 0), p.horizon_xid, p.horizon_id
      from exora.audit_progress p
      left join lateral (select s.to_xid, s.to_id from exora.audit_seals s
                          where s.run = (select max(m.run) from exora.audit_seals m)
                            and s.floor_id = p.floors[cardinality(p.floors)] limit 1) l on true
     where p_tail
  ), marked as (
    select c.*, (c.floor_id, c.from_xid, c.from_id) is distinct from
                (lag(c.floor_id) over o, lag(c.to_xid) over o, lag(c.to_id) over o) as starts
      from closed c window o as (order by c.run)
  ), island as (
    select m.*, count(*) filter (where m.starts) over (order by m.run) as number from marked m
  )
  select min(i.floor_id),
         coalesce((select min(f) from exora.audit_progress p, unnest(p.floors) f where f > min(i.floor_id)),
                  9223372036854775807),
         (array_agg(i.from_xid order by i.run))[1], (array_agg(i.from_id order by i.run))[1],
         (array_agg(i.to_xid order by i.run desc))[1], (array_agg(i.to_id order by i.run desc))[1]
    from island i group by i.number
$$;
