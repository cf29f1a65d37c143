-- exora.make_ready_again: put jobs that have been claimable before back where they may be claimed.
create or replace function exora.make_ready_again(p_jobs bigint[], p_attempts int[], p_retries int[], p_crashes int[])
returns void language sql volatile security definer set search_path = '' as $$
  select exora.make_ready(array_agg(j.id), array_agg(j.lane), array_agg(j.priority), array_agg(j.patient_id),
                          array_agg(i.attempt), array_agg(i.retries), array_agg(i.crashes),
                          case when count(j.concurrency_key) > 0 then array_agg(j.concurrency_key) end,
                          case when count(j.concurrency_key) > 0 then array_agg(j.concurrency_limit) end)
    from unnest(p_jobs, p_attempts, p_retries, p_crashes) as i (job, attempt, retries, crashes)
    join exora.jobs j on j.id = i.job
  having count(*) > 0
$$;
