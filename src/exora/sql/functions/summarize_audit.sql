-- exora.summarize_audit: summarize the full ranges of the BRIN index on audit_events.xid, so that a seal run reads the
-- newest ranges only. Autovacuum would, but minutes late, and every run until then would read all that is new. The
-- last range is left alone: once summarized, every insert into it would have to update its summary.
create or replace function exora.summarize_audit()
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_pages constant int := 64;  -- as the index has it
  v_full bigint := pg_relation_size('exora.audit_events') / current_setting('block_size')::int / v_pages - 1;
  v_done bigint;
begin
  select least(summarized_ranges, greatest(v_full, 0)) into v_done from exora.audit_progress;
  if v_full <= v_done then
    return;
  end if;
  v_full := least(v_full, v_done + 64);
  begin
    -- Vacuum holds this lock; it summarizes as well, so there is nothing to wait for.
    lock table exora.audit_events in share update exclusive mode nowait;
  exception when lock_not_available then
    return;
  end;
  perform brin_summarize_range('exora.audit_events_xid', r * v_pages) from generate_series(v_done, v_full - 1) r;
  update exora.audit_progress set summarized_ranges = v_full;
end $$;
