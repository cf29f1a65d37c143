-- exora.rescue_lapsed: take back claims whose lease has lapsed. A worker's death counts in crash_count, apart
-- from errors; the third makes the job poison: it is dead until a person has looked.
create or replace function exora.rescue_lapsed(p_limit int)
returns int language plpgsql security definer set search_path = '' as $$
declare
  c_poison constant int := 3;
  v_lapsed record;
begin
  select array_agg(r.job) as jobs, array_agg(r.attempt) as attempts, array_agg(r.claim_token) as tokens,
         array_agg(case when r.crash_count + 1 >= c_poison then 'dead' else 'release' end) as outcomes,
         array_agg(case when r.crash_count + 1 >= c_poison then 'poison' end) as reasons,
         array_agg(jsonb_build_object('class', 'WorkerLost', 'code', 'worker_lost',
           'summary', 'the worker stopped sending heartbeats', 'fingerprint', 'worker_lost')) as errors
    into v_lapsed
    from (select * from exora.running where lease_expires_at < clock_timestamp() limit p_limit for update skip locked) r;
  if v_lapsed.jobs is null then return 0; end if;
  return cardinality(exora.settle_running(v_lapsed.jobs, v_lapsed.attempts, v_lapsed.tokens, v_lapsed.outcomes, null, null,
                                          v_lapsed.reasons, v_lapsed.errors));
end $$;
