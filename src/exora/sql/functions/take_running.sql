-- exora.take_running: take the claims whose fence is current out of running, and say what becomes of
-- each: a retry beyond the job's budget is dead.
create or replace function exora.take_running(p_outcomes jsonb)
returns exora.settlement[] language sql volatile security definer set search_path = '' as $$
  with input as (
    select distinct on (1) exora.job_number((e ->> 'job_id')::uuid) as job, (e ->> 'attempt')::int as attempt,
           (e ->> 'claim_token')::uuid as claim_token, e as body
      from jsonb_array_elements(p_outcomes) e order by 1
  ), removed as (
    delete from exora.running r using input i
     where r.job = any (array(select job from input))
       and r.job = i.job and r.attempt = i.attempt and r.claim_token = i.claim_token
    returning r.*, i.body
  )
  select coalesce(array_agg(row(
           r.job, j.uuid, r.attempt, r.claim_token, r.worker_id, r.started_at, r.heartbeat_at, r.retry_count,
           r.crash_count,
           case when r.body ->> 'outcome' = 'retry' and r.retry_count >= j.max_retries then 'dead'
                else r.body ->> 'outcome' end,
           nullif(r.body -> 'result', 'null'::jsonb),
           coalesce((r.body ->> 'delay_s')::double precision, exora.backoff_s(j.job_type, r.retry_count)),
           case when r.body ->> 'outcome' = 'retry' and r.retry_count >= j.max_retries then 'exhausted'
                when r.body ->> 'reason' ~ '^[a-z0-9_.:-]{1,64}$' then r.body ->> 'reason' end,
           nullif(r.body -> 'error', 'null'::jsonb))::exora.settlement), '{}')
    from removed r join exora.jobs j on j.id = r.job
$$;
