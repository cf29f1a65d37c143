-- exora.settle_running: take the claims whose fence is current out of running and write what becomes of each: archive,
-- dead letters, the schedule or the ready table, their errors, and one audit event. One statement: the completed ones
-- pay nothing for the others. A retry beyond the job's budget is dead. Answers the positions settled.
--
-- Each claim is located by a probe of the primary key (lateral, limit 1), which the planner cannot turn round into a
-- scan when its statistics were taken while nothing ran.
create or replace function exora.settle_running(
  p_jobs bigint[], p_attempts int[], p_claim_tokens uuid[], p_outcomes text[], p_results jsonb[],
  p_delays_s double precision[], p_reasons text[], p_errors jsonb[])
returns bigint[] language plpgsql security definer set search_path = ''
set plan_cache_mode = force_generic_plan set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_now timestamptz := clock_timestamp();
  v_settled bigint[];
  v_jobs bigint[];
  v_attempts int[];
  v_retries int[];
  v_crashes int[];
  v_keys text[];
begin
  with hit as materialized (
    select distinct on (i.job) i.job, coalesce(i.outcome, 'completed') as outcome, i.result, i.delay_s, i.reason, i.error, r.attempt, r.claim_token,
           r.worker_id, r.started_at, r.heartbeat_at, r.retry_count, r.crash_count, r.correlation_id, r.concurrency_key,
           i.position
      from unnest(p_jobs, p_attempts, p_claim_tokens, p_outcomes, p_results, p_delays_s, p_reasons, p_errors)
             with ordinality as i (job, attempt, claim_token, outcome, result, delay_s, reason, error, position)
      cross join lateral (select * from exora.running r where r.job = i.job and r.attempt = i.attempt
                             and r.claim_token = i.claim_token limit 1) r
  ), removed as (
    delete from exora.running d where d.job = any (array(select job from hit)) returning d.job
  ), ended as materialized (
    select h.*, case when h.outcome = 'retry' and h.retry_count >= j.max_retries then 'dead' else h.outcome end as final,
           coalesce(h.delay_s, case when h.outcome = 'retry' then exora.backoff_s(j.job_type, h.retry_count) end, 0) as wait_s,
           case when h.reason ~ '^[a-z0-9_.:-]{1,64}$' then h.reason end as safe_reason,
           h.crash_count + coalesce(h.error ->> 'code' = 'worker_lost' and h.reason is distinct from 'shared_crash', false)::int
             as crashes
      from removed d join hit h on h.job = d.job
      left join lateral (select j.max_retries, j.job_type from exora.jobs j
                          where j.id = h.job and h.outcome = 'retry' limit 1) j on true
  ), archived as (
    insert into exora.job_archive (job, attempt, status, claim_token, started_at, finished_at, heartbeat_at, retry_count,
                                   crash_count, worker_id, result)
    select e.job, e.attempt, e.final, e.claim_token, e.started_at, v_now, e.heartbeat_at, e.retry_count, e.crash_count,
           e.worker_id, nullif(e.result, 'null'::jsonb)
      from ended e where e.final in ('completed', 'cancelled')
  ), audited as (
    insert into exora.audit_events (at, event, worker_id, job, attempt, correlation_id, detail)
    select v_now,
           case e.final when 'completed' then 'job_completed' when 'cancelled' then 'job_cancelled'
                when 'dead' then 'job_dead_lettered' when 'retry' then 'job_retried' when 'snooze' then 'job_snoozed'
                when 'release' then case when e.error ->> 'code' = 'worker_lost' then 'job_rescued' else 'job_released' end end,
           e.worker_id, e.job, e.attempt, e.correlation_id,
           case when e.final <> 'completed' then nullif(jsonb_strip_nulls(jsonb_build_object(
             'code', e.error ->> 'code', 'reason', e.safe_reason,
             'delay_ms', case when e.final in ('retry', 'snooze') then (e.wait_s * 1000)::bigint end)), '{}'::jsonb) end
      from ended e
  ), buried as (
    insert into exora.dead_letters (job, dead_letter_at, attempt, retry_count, crash_count, started_at, worker_id, cause,
                                    fingerprint)
    select e.job, v_now, e.attempt, e.retry_count, e.crashes, e.started_at, e.worker_id,
           case when e.outcome = 'retry' then 'exhausted' when e.safe_reason = 'poison' then 'poison' else 'permanent' end,
           left(e.error ->> 'fingerprint', 64)
      from ended e where e.final = 'dead'
  ), postponed as (
    insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
    select e.job, v_now + make_interval(secs => e.wait_s), e.attempt, e.retry_count + (e.final = 'retry')::int, e.crashes
      from ended e where e.final in ('retry', 'snooze') or e.final = 'release' and e.wait_s > 0
  ), noted as (
    insert into exora.job_errors (job, at, attempt, kind, error_class, code, summary, fingerprint)
    select e.job, v_now, e.attempt, case when e.error ->> 'code' = 'worker_lost' then 'crash' else e.final end,
           left(coalesce(e.error ->> 'class', 'unknown'), 120), left(coalesce(e.error ->> 'code', 'unknown'), 120),
           left(coalesce(e.error ->> 'summary', ''), 500), left(coalesce(e.error ->> 'fingerprint', ''), 64)
      from ended e where e.final in ('retry', 'dead') or e.error ->> 'code' = 'worker_lost'
  )
  select coalesce(array_agg(e.position), '{}'), array_agg(e.job) filter (where e.final = 'release' and e.wait_s = 0),
         array_agg(e.attempt) filter (where e.final = 'release' and e.wait_s = 0),
         array_agg(e.retry_count::int) filter (where e.final = 'release' and e.wait_s = 0),
         array_agg(e.crashes::int) filter (where e.final = 'release' and e.wait_s = 0),
         array_agg(e.concurrency_key) filter (where e.concurrency_key is not null)
    into v_settled, v_jobs, v_attempts, v_retries, v_crashes, v_keys
    from ended e;
  if v_keys is not null then
    perform exora.let_in(v_keys);
  end if;
  if v_jobs is not null then
    perform exora.make_ready_again(v_jobs, v_attempts, v_retries, v_crashes);
  end if;
  return v_settled;
end $$;
