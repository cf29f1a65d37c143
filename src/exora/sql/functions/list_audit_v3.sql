-- public.list_audit_v3: the newest audit events, newest first, of one kind if p_event is given. The trail has no index by
-- time: it is read backwards by runs of sealing, four times as many each time, until there are enough.
create or replace function public.list_audit_v3(p_limit int default 50, p_event text default null)
returns table (event_id bigint, at timestamptz, event text, actor text, worker_id text, job_id uuid, attempt int, document_id uuid,
               patient_id uuid, correlation_id uuid, detail jsonb)
language plpgsql stable security definer set search_path = '' set jit = off set enable_seqscan = off as $$
declare
  v_floor bigint := (select p.floors[cardinality(p.floors)] from exora.audit_progress p);
  v_runs bigint := 4;
  v_last bigint := (select p.run from exora.audit_progress p);
  v_from bigint;
  v_found bigint;
begin
  loop
    v_from := coalesce((select min(s.from_xid) from exora.audit_seals s
                         where s.run = v_last - v_runs and s.floor_id = v_floor), 0);
    select count(*) into v_found from (
      select from exora.audit_events e where e.xid >= v_from and e.id >= v_floor and (p_event is null or e.event = p_event)
       limit p_limit) e;
    exit when v_found >= p_limit or v_from = 0;
    v_runs := v_runs * 4;
  end loop;
  return query
  select e.id, e.at, e.event, e.actor, e.worker_id,
         (select exora.job_uuid(j.id, j.created_at) from exora.jobs j where j.id = e.job), e.attempt, e.document_id,
         e.patient_id, e.correlation_id, e.detail
    from exora.audit_events e
   where e.xid >= v_from and e.id >= v_floor and (p_event is null or e.event = p_event)
   order by e.at desc, e.id desc limit p_limit;
end $$;
