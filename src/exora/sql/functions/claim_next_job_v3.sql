-- public.claim_next_job_v3: the original's claim of one job. Such callers run no sweeper, so due jobs are
-- promoted first.
create or replace function public.claim_next_job_v3(
  p_worker_id text, p_job_types text[] default null, p_job_lanes text[] default null)
returns table (job_id uuid, job_type text, job_payload jsonb, retry_count int, attempt int, claim_token uuid)
language plpgsql security definer set search_path = '' as $$
declare v_token uuid := gen_random_uuid();
begin
  perform exora.promote_due(100);
  return query
  select c.job_id, c.job_type, c.job_payload, c.retry_count, c.attempt, v_token
    from public.claim_jobs_v3(p_worker_id, v_token,
           coalesce(p_job_types, array(select t.job_type from exora.job_types t)), p_job_lanes, 1) c;
end $$;
