-- public.settle_jobs_v3: end many attempts in one call, by job number, column by column (null = none has one).
-- Outcomes (null: all completed): completed, retry (burns a retry; null delay = backoff), snooze or release (burn nothing), dead, cancelled.
-- p_errors: {class, code, summary, fingerprint}. Answers only for those that were not settled now, with their place in
-- the call: already (this very call was done before) or lost (the fence is stale: nothing was changed).
create or replace function public.settle_jobs_v3(
  p_jobs bigint[], p_attempts int[], p_claim_tokens uuid[], p_outcomes text[] default null, p_results jsonb[] default null,
  p_delays_s double precision[] default null, p_reasons text[] default null, p_errors jsonb[] default null)
returns table (place int, answer text) language plpgsql security definer set search_path = ''
set plan_cache_mode = force_generic_plan set jit = off set enable_seqscan = off set enable_bitmapscan = off as $$
declare
  v_settled bigint[];
begin
  if p_results is not null and exists (select from unnest(p_results) r where not exora.safe_result(r)) then
    perform exora.refuse('PT400', 'a job result may hold only ids, counts and codes, within 8 KiB', 'result',
                         'Store content in the record; return references');
  end if;
  if p_outcomes is null then
    v_settled := exora.complete_running(p_jobs, p_attempts, p_claim_tokens, p_results);
  elsif not p_outcomes <@ array['completed', 'retry', 'snooze', 'release', 'dead', 'cancelled'] then
    perform exora.refuse('PT400', 'unknown outcome', 'outcome',
                         'Use completed, retry, snooze, release, dead or cancelled');
  else
    v_settled := exora.settle_running(p_jobs, p_attempts, p_claim_tokens, p_outcomes, p_results, p_delays_s, p_reasons,
                                      p_errors);
  end if;
  if cardinality(v_settled) = cardinality(p_jobs) then
    return;
  end if;
  return query
  select i.position::int,
         case when exists (select from exora.job_archive a where a.job = i.job and a.attempt = i.attempt
                              and a.claim_token = i.claim_token)
                -- The trail remembers how an attempt ended; the claim's answer, whose it was.
                or exists (select from exora.claims c join exora.audit_events e on e.job = i.job and e.attempt = i.attempt
                            where c.claim_token = i.claim_token and i.job = any (c.jobs)
                              and (e.event in ('job_retried', 'job_snoozed', 'job_released')
                                   or (e.event = 'job_dead_lettered'
                                       and e.detail ->> 'code' is distinct from 'worker_lost')))
              then 'already' else 'lost' end
    from unnest(p_jobs, p_attempts, p_claim_tokens) with ordinality as i (job, attempt, claim_token, position)
   where i.position <> all (v_settled)
   order by i.position;
end $$;
