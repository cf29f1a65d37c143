-- public.export_audit_v3: the audit events sealed by runs p_from_run to p_to_run (null: to the last), in the order of sealing.
-- Take windows from audit_window_v3 to keep each call short.
create or replace function public.export_audit_v3(p_from_run bigint default 1, p_to_run bigint default null)
returns table (event_id bigint, at timestamptz, event text, actor text, worker_id text, job_id uuid, attempt int, document_id uuid,
               patient_id uuid, correlation_id uuid, detail jsonb)
language sql stable security definer set search_path = '' set jit = off set enable_seqscan = off as $$
  select e.id, e.at, e.event, e.actor, e.worker_id,
         (select exora.job_uuid(j.id, j.created_at) from exora.jobs j where j.id = e.job), e.attempt, e.document_id,
         e.patient_id, e.correlation_id, e.detail
    from exora.audit_ranges(p_from_run, coalesce(p_to_run, 9223372036854775806), '{}', false) r
    join exora.audit_events e on e.xid between r.from_xid and r.to_xid
     and (e.xid, e.id) > (r.from_xid, r.from_id) and (e.xid, e.id) <= (r.to_xid, r.to_id)
     and e.id >= r.floor_id and e.id < r.ceiling_id
   order by r.floor_id, e.xid, e.id
$$;
