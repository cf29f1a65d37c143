-- exora.verify_events: what is wrong with the events of runs p_from to p_to, by the seals that are whole: events edited,
-- removed, added. Where a seal is gone or broken (p_broken), the events of its chain cannot be judged and are not.
create or replace function exora.verify_events(
  p_from bigint, p_to bigint, p_broken exora.audit_finding[], p_tail boolean)
returns setof exora.audit_finding language sql stable security definer set search_path = '' as $$
  with seal as materialized (
    -- The digests are fetched once per seal here, by appending nothing, instead of once per event below; and
    -- cut up before the join, which would drag them along.
    select s.chain, s.seq, s.sealed_at, s.events, s.ids, s.digests || ''::bytea as digests
      from exora.audit_seals s
     where s.run between p_from and p_to
       and not exists (select from unnest(p_broken) b where b.kind = 'seal_broken' and b.chain = s.chain and b.seq = s.seq)
  ), member as materialized (
    select s.chain, s.seq, s.sealed_at, s.events, i.id, substring(s.digests from 16 * i.nth::int - 15 for 16) as digest
      from seal s, unnest(s.ids) with ordinality as i (id, nth)
  ), event as (
    -- Counted, since without an index on id an event may be there twice.
    select d.chain, d.id, d.digest, d.xid, min(d.at) as at, count(*) as copies
      from exora.audit_ranges(p_from, p_to, p_broken, p_tail) r,
           lateral exora.audit_digests(r.floor_id, r.ceiling_id, r.from_xid, r.from_id, r.to_xid, r.to_id) d
     group by d.chain, d.id, d.digest, d.xid
  ), unmatched as (
    select m.chain as sealed_chain, m.seq, m.sealed_at, m.events, m.id as sealed_id,
           e.chain, e.id, e.xid, e.at, e.copies
      from member m full join event e on e.id = m.id and e.digest = m.digest
     where m.id is null or e.id is null or e.copies > 1
  ), paired as (
    select coalesce(g.sealed_chain, h.chain) as chain, g.seq, g.sealed_at, g.events, g.sealed_id, h.id, h.xid, h.at
      from (select * from unmatched where id is null) g
      full join (select u.*, case when u.sealed_id is null then u.id end as other_id from unmatched u where u.id is not null) h
        on h.other_id = g.sealed_id
  ), missing as (
    select chain, seq, sealed_at, events, min(sealed_id) as first_id
      from paired where sealed_id is not null and id is null
     group by chain, seq, sealed_at, events having count(*) = events and events > 1
  ), blind as (
    select b.chain, l.to_xid, l.to_id, u.from_xid, u.from_id
      from unnest(p_broken) b
      left join lateral (select s.to_xid, s.to_id from exora.audit_seals s
                          where s.run <= b.after_run order by s.run desc limit 1) l on true
      left join lateral (select s.from_xid, s.from_id from exora.audit_seals s
                          where s.run >= b.before_run order by s.run limit 1) u on true
     where b.after_run is not null
  )
  select 'events_truncated', chain::int, seq, first_id, events::bigint, sealed_at, 'all events of this seal are gone',
         null::bigint, null::bigint
    from missing
  union all
  select case when p.id is null then 'removed' when p.sealed_id is null then 'added' else 'edited' end,
         p.chain::int, p.seq, coalesce(p.sealed_id, p.id), 1, coalesce(p.at, p.sealed_at),
         case when p.id is null then 'sealed, and gone'
              when p.sealed_id is null then 'put where events were sealed already' else 'not as it was sealed' end,
         null, null
    from paired p
   where not exists (select from missing m where m.chain = p.chain and m.seq = p.seq)
     and not (p.sealed_id is null and exists (
           select from blind b
            where b.chain = p.chain
              and (p.xid, p.id) > (coalesce(b.to_xid, 0), coalesce(b.to_id, 0))
              and (b.from_xid is null or (p.xid, p.id) <= (b.from_xid, b.from_id))))
$$;
