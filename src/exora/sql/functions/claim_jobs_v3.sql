-- public.claim_jobs_v3: claim up to p_limit jobs in order. p_claim_token is the caller's request token:
-- repeating a call whose answer was lost returns the same jobs. p_wait: the caller listens for wake-ups,
-- so note it as idle when there is nothing.
create or replace function public.claim_jobs_v3(
  p_worker_id text, p_claim_token uuid, p_job_types text[], p_job_lanes text[] default null,
  p_limit int default 1, p_wait boolean default false)
returns table (job_id uuid, job_type text, job_lane text, job_payload jsonb, retry_count int, attempt int,
               claim_token uuid, patient_id uuid, correlation_id uuid, priority int, max_retries int,
               heartbeat_s real, lease_s real, timeout_s real, created_at timestamptz)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_jobs bigint[];
begin
  if coalesce(p_worker_id, '') = '' then
    perform exora.refuse('PT400', 'a worker needs an id', 'p_worker_id', 'Use one per process');
  end if;
  if p_limit not between 1 and 1000 then
    perform exora.refuse('PT400', 'p_limit must be from 1 to 1000', 'p_limit', null);
  end if;
  select c.jobs into v_jobs from exora.claims c where c.claim_token = p_claim_token;
  if not found then
    v_jobs := exora.take_ready(p_worker_id, p_claim_token, p_job_types, p_job_lanes, p_limit);
    if v_jobs = '{}' and p_wait then
      insert into exora.idle_workers as w (worker_id, since) values (p_worker_id, clock_timestamp())
      on conflict (worker_id) do update set since = excluded.since;
    elsif v_jobs <> '{}' then
      delete from exora.idle_workers where worker_id = p_worker_id;
    end if;
  end if;
  return query
  select j.uuid, j.job_type, j.lane::text, j.payload, r.retry_count::int, r.attempt, r.claim_token, j.patient_id,
         j.correlation_id, j.priority::int, j.max_retries::int, t.heartbeat_s, t.lease_s, t.timeout_s, j.created_at
    from unnest(v_jobs) with ordinality as i (job, ordinal)
    join exora.running r on r.job = i.job and r.claim_token = p_claim_token
    join exora.jobs j on j.id = i.job
    join exora.job_types t on t.job_type = j.job_type
   order by i.ordinal;
end $$;
