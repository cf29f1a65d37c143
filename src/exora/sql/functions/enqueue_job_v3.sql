-- public.enqueue_job_v3: enqueue one job. The first six argument names are the original's: callers use them.
create or replace function public.enqueue_job_v3(
  job_type text, job_name text, job_payload jsonb, job_category text default 'standard', priority int default 5,
  p_scheduled_at timestamptz default null, p_job_lane text default null, p_idempotency_key text default null,
  p_max_retries int default null,
  out job_id uuid, out scheduled_at timestamptz, out outcome text, out reason text)
language plpgsql security definer set search_path = '' as $$
begin
  select e.job_id, e.scheduled_at, e.outcome, e.reason
    into enqueue_job_v3.job_id, enqueue_job_v3.scheduled_at, enqueue_job_v3.outcome, enqueue_job_v3.reason
    from public.enqueue_jobs_v3(array[enqueue_job_v3.job_type], array[enqueue_job_v3.job_payload],
           array[enqueue_job_v3.job_name], array[enqueue_job_v3.job_category], array[enqueue_job_v3.priority],
           array[enqueue_job_v3.p_scheduled_at], array[p_job_lane], array[p_idempotency_key], array[p_max_retries]) e;
end $$;
