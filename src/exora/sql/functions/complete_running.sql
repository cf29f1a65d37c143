-- exora.complete_running: exora.settle_running for the commonest batch, in which every attempt completed: nothing of what
-- other outcomes need is looked at. Answers the positions settled.
create or replace function exora.complete_running(p_jobs bigint[], p_attempts int[], p_claim_tokens uuid[], p_results jsonb[])
returns bigint[] language plpgsql security definer set search_path = ''
set plan_cache_mode = force_generic_plan set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_settled bigint[];
  v_keys text[];
begin
  with hit as materialized (
    select distinct on (i.job) i.job, i.result, i.position
      from unnest(p_jobs, p_attempts, p_claim_tokens, p_results) with ordinality as i (job, attempt, claim_token, result, position)
      cross join lateral (select from exora.running r where r.job = i.job and r.attempt = i.attempt
                             and r.claim_token = i.claim_token limit 1) r
  ), ended as (
    delete from exora.running d where d.job = any (array(select job from hit)) returning d.*
  ), archived as (
    insert into exora.job_archive (job, attempt, status, claim_token, started_at, finished_at, heartbeat_at, retry_count,
                                   crash_count, worker_id, result)
    select e.job, e.attempt, 'completed', e.claim_token, e.started_at, v_now, e.heartbeat_at, e.retry_count, e.crash_count,
           e.worker_id, case when p_results is not null then (select nullif(h.result, 'null'::jsonb) from hit h where h.job = e.job) end
      from ended e
  ), audited as (
    insert into exora.audit_events (at, event, worker_id, job, attempt, correlation_id)
    select v_now, 'job_completed', e.worker_id, e.job, e.attempt, e.correlation_id from ended e
  )
  select array_agg(h.position), (select array_agg(e.concurrency_key) filter (where e.concurrency_key is not null) from ended e)
    into v_settled, v_keys from hit h join ended e on e.job = h.job;
  if v_keys is not null then
    perform exora.let_in(v_keys);
  end if;
  return coalesce(v_settled, '{}');
end $$;
