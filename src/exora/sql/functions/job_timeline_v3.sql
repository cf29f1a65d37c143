-- public.job_timeline_v3: the audit events of one job, oldest first. Event ids are drawn in blocks by each connection, so
-- the time orders them.
create or replace function public.job_timeline_v3(p_job_id uuid)
returns table (at timestamptz, event text, attempt int, worker_id text, correlation_id uuid, detail jsonb)
language sql stable security definer set search_path = '' as $$
  select a.at, a.event, a.attempt, a.worker_id, a.correlation_id, a.detail
    from exora.audit_events a where a.job = exora.job_number(p_job_id) order by a.at, a.id
$$;
