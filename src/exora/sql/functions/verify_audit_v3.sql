-- public.verify_audit_v3: what is wrong with the audit trail sealed by runs p_from_run to p_to_run (null: to the end, with
-- all that has been sealed since, the heads and what is not sealed); no row: nothing. Kinds: edited, removed, added
-- (event_id names the event), events_truncated (all events of a seal are gone), seal_broken, seal_removed,
-- seals_truncated (seq names the seal), anchor_broken (p_heads, the heads kept outside as [{chain, seq, hash}], does not
-- fit), and unsealed_old, which is no tampering: events of over an hour ago are not sealed yet. Take windows from
-- audit_window_v3 to keep each call short.
create or replace function public.verify_audit_v3(
  p_from_run bigint default 1, p_to_run bigint default null, p_heads jsonb default null)
returns table (kind text, chain int, seq bigint, event_id bigint, events bigint, at timestamptz, detail text)
language plpgsql stable security definer set search_path = '' set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_to constant bigint := coalesce(p_to_run, 9223372036854775806);
  v_ends exora.audit_finding[] := array(select f from exora.verify_heads(p_heads) f);
  v_seals exora.audit_finding[] := array(select f from exora.verify_seals(p_from_run, v_to) f);
begin
  return query
  select f.kind, f.chain, f.seq, f.event_id, f.events, f.at, f.detail
    from (select * from unnest(v_seals)
          union all
          select e.* from unnest(v_ends) e
           where p_to_run is null and not exists (select from unnest(v_seals) s
                                                   where s.kind = e.kind and s.chain = e.chain and s.seq = e.seq)
          union all
          select * from exora.verify_events(p_from_run, v_to, v_seals || v_ends, p_to_run is null)) f
   order by f.chain, f.seq, f.event_id, f.kind;

  return query
  select 'unsealed_old', null::int, null::bigint, min(e.id), count(*), min(e.at),
         'the sweeper does not run, or a transaction has been open for long'
    from exora.audit_progress p
    join exora.audit_events e on e.xid >= p.horizon_xid and (e.xid, e.id) > (p.horizon_xid, p.horizon_id)
     and e.id >= p.floors[cardinality(p.floors)] and e.at < clock_timestamp() - interval '1 hour'
   where p_to_run is null having count(*) > 0;
end $$;
