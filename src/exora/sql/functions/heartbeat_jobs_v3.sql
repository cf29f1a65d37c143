-- public.heartbeat_jobs_v3: renew the leases of many claims in one call, by job number. Answers only those with news:
-- lost (the fence is stale: stop, store nothing) or cancel (somebody asked for it: stop, settle as cancelled).
create or replace function public.heartbeat_jobs_v3(p_jobs bigint[], p_attempts int[], p_claim_tokens uuid[])
returns table (job bigint, news text) language plpgsql security definer set search_path = ''
set plan_cache_mode = force_generic_plan set jit = off set enable_seqscan = off as $$
#variable_conflict use_column
declare v_now timestamptz := clock_timestamp();
begin
  return query
  with input as materialized (
    select i.job, i.attempt, i.claim_token from unnest(p_jobs, p_attempts, p_claim_tokens) as i (job, attempt, claim_token)
  ), renewed as (
    update exora.running r
       set heartbeat_at = v_now, lease_expires_at = v_now + make_interval(secs => r.lease_s)
      from input i
     where r.job = i.job and r.attempt = i.attempt and r.claim_token = i.claim_token
    returning r.job, r.cancel_requested
  )
  select i.job, case when n.job is null then 'lost' else 'cancel' end
    from input i left join renewed n on n.job = i.job
   where n.job is null or n.cancel_requested;
end $$;
