-- public.heartbeat_jobs_v3: renew the leases of many claims in one call. Answers for each claim: ok,
-- or lost (the fence is stale: stop, store nothing).
create or replace function public.heartbeat_jobs_v3(p_job_ids uuid[], p_attempts int[], p_claim_tokens uuid[])
returns table (job_id uuid, attempt int, status text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare v_now timestamptz := clock_timestamp();
begin
  return query
  with input as (
    select i.job_id, i.attempt, i.claim_token, exora.job_number(i.job_id) as job
      from unnest(p_job_ids, p_attempts, p_claim_tokens) as i (job_id, attempt, claim_token)
  ), renewed as (
    update exora.running r
       set heartbeat_at = v_now, lease_expires_at = v_now + make_interval(secs => r.lease_s)
      from input i
     where r.job = i.job and r.attempt = i.attempt and r.claim_token = i.claim_token
    returning r.job
  )
  select i.job_id, i.attempt,
         case when n.job is null then 'lost' else 'ok' end
    from input i left join renewed n on n.job = i.job;
end $$;
