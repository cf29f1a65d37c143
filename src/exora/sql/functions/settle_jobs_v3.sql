-- public.settle_jobs_v3: end many attempts in one call. p_outcomes is an array of
-- {job_id, attempt, claim_token, outcome, result, delay_s, reason, error: {class, code, summary, fingerprint}}
-- with outcome completed, retry (burns a retry; null delay_s = backoff), snooze or release (burn nothing),
-- dead or cancelled. Answers for each: settled, already (this very call was done before) or lost (the fence
-- is stale: nothing was changed).
create or replace function public.settle_jobs_v3(p_outcomes jsonb)
returns table (job_id uuid, attempt int, status text, outcome text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_settled exora.settlement[];
begin
  if exists (select from jsonb_array_elements(p_outcomes) e
              where not coalesce(exora.safe_result(e -> 'result'), true)) then
    perform exora.refuse('PT400', 'a job result may hold only ids, counts and codes, within 8 KiB', 'result',
                         'Store content in the record; return references');
  end if;
  if exists (select from jsonb_array_elements(p_outcomes) e where e ->> 'outcome' is null
                or e ->> 'outcome' not in ('completed', 'retry', 'snooze', 'release', 'dead', 'cancelled')) then
    perform exora.refuse('PT400', 'unknown outcome', 'outcome',
                         'Use completed, retry, snooze, release, dead or cancelled');
  end if;
  v_settled := exora.take_running(p_outcomes);
  perform exora.apply_settlements(v_settled);
  return query
  select i.job_id, i.attempt,
         case when s.job is not null then 'settled'
              when exists (select from exora.job_archive a where a.job = i.job and a.attempt = i.attempt
                              and a.claim_token = i.claim_token)
                or exists (select from exora.dead_letters d where d.job = i.job and d.attempt = i.attempt)
              then 'already' else 'lost' end,
         s.outcome
    from (select (e ->> 'job_id')::uuid as job_id, exora.job_number((e ->> 'job_id')::uuid) as job,
                 (e ->> 'attempt')::int as attempt, (e ->> 'claim_token')::uuid as claim_token, o as ordinal
            from jsonb_array_elements(p_outcomes) with ordinality as x (e, o)) i
    left join unnest(v_settled) s on s.job = i.job and s.attempt = i.attempt and s.claim_token = i.claim_token
   order by i.ordinal;
end $$;
