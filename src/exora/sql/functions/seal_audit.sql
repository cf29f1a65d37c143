-- exora.seal_audit: seal up to p_limit audit events whose transactions have all ended; answers how many were. Rests
-- until p_every has passed since it last looked, unless that look left events behind: seals of few events are dear.
create or replace function exora.seal_audit(p_limit int default 10000, p_every interval default '0')
returns int language plpgsql security definer set search_path = '' as $$
declare
  v_at exora.audit_progress;
  v_restarted boolean;
  v_last bigint;
  v_end record;
  v_sealed record;
begin
  select * into strict v_at from exora.audit_progress for update;  -- one sealer at a time; the other waits
  if not v_at.behind and clock_timestamp() < v_at.looked_at + p_every then
    return 0;
  end if;
  -- The horizon lies in the past, unless this is the dump of another server, whose count of transactions was ahead.
  -- Then what is left of that count is sealed to its end, and events after it belong to a new one.
  v_restarted := pg_current_xact_id()::text::bigint < v_at.horizon_xid;
  -- A statement of its own, after the lock and before the ones that read events: each of those sees every
  -- transaction below this xmin as ended.
  v_last := case when v_restarted then 9223372036854775807 else pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 end;
  if v_last <= v_at.horizon_xid and not v_restarted then
    return 0;
  end if;
  select * into v_end from exora.audit_batch_end(
    v_at.floors[cardinality(v_at.floors)], v_at.horizon_xid, v_at.horizon_id, v_last, p_limit);
  select * into v_sealed from exora.write_seals(v_at, v_end.xid, v_end.id);
  update exora.audit_progress
     set run = run + (v_sealed.events > 0)::int,
         sealed_xid = case when v_sealed.events > 0 then v_end.xid else sealed_xid end,
         sealed_id = case when v_sealed.events > 0 then v_end.id else sealed_id end,
         horizon_xid = v_end.xid, horizon_id = v_end.id,
         highest_id = greatest(highest_id, v_sealed.highest_id),
         looked_at = clock_timestamp(), behind = v_end.cut;
  if v_restarted and not v_end.cut then
    update exora.audit_progress set floors = floors || (highest_id + 1),
           sealed_xid = 0, sealed_id = 0, horizon_xid = 0, horizon_id = 0;
    return v_sealed.events + exora.seal_audit(p_limit);
  end if;
  perform exora.summarize_audit();
  return v_sealed.events;
end $$;
