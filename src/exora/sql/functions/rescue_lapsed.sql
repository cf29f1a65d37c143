-- exora.rescue_lapsed: take back claims whose lease has lapsed. A worker's death counts in crash_count, apart
-- from errors; the third makes the job poison: it is dead until a person has looked.
--
-- Whom a worker held when it died is not who killed it. Claimed again together, the innocent would die with the guilty
-- three times. So those that a second death hits come back at random moments, spread out the more the more they are; and
-- a third death that hits several suspects of one worker proves nothing against any of them: it is not counted, and
-- they are spread out once more, up to a tenth attempt.
create or replace function exora.rescue_lapsed(p_limit int)
returns int language plpgsql security definer set search_path = '' as $$
declare
  c_poison constant int := 3;
  c_most_attempts constant int := 10;
  v_lapsed record;
begin
  select array_agg(r.job) as jobs, array_agg(r.attempt) as attempts, array_agg(r.claim_token) as tokens,
         array_agg(case when r.poison then 'dead' else 'release' end) as outcomes,
         array_agg(case when r.poison then 'poison' when r.crash_count + 1 >= c_poison then 'shared_crash' end) as reasons,
         array_agg(case when r.crash_count > 0 and not r.poison and r.suspects > 1
                        then random() * least(0.25 * r.suspects * r.attempt, 300) end) as delays,
         array_agg(jsonb_build_object('class', 'WorkerLost', 'code', 'worker_lost',
           'summary', 'the worker stopped sending heartbeats', 'fingerprint', 'worker_lost')) as errors
    into v_lapsed
    from (select l.*, s.suspects,
                 l.crash_count + 1 >= c_poison and (s.last_chances = 1 or l.attempt >= c_most_attempts) as poison
            from (select * from exora.running where lease_expires_at < clock_timestamp() limit p_limit for update skip locked) l
            left join lateral (
              select count(*) as suspects, count(*) filter (where x.crash_count + 1 >= c_poison) as last_chances
                from exora.running x where x.worker_id = l.worker_id and x.crash_count > 0) s on l.crash_count > 0) r;
  if v_lapsed.jobs is null then return 0; end if;
  return cardinality(exora.settle_running(v_lapsed.jobs, v_lapsed.attempts, v_lapsed.tokens, v_lapsed.outcomes, null,
                                          v_lapsed.delays, v_lapsed.reasons, v_lapsed.errors));
end $$;
