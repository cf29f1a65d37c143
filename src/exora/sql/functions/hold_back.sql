-- exora.hold_back: of the jobs about to be made ready, hold back those whose concurrency key is full, and count the others
-- as holding a place of their key. Returns the jobs held back. Keys are locked in one order for all, against deadlocks.
create or replace function exora.hold_back(
  p_jobs bigint[], p_sort_keys bigint[], p_attempts int[], p_retries int[], p_crashes int[], p_concurrency_keys text[],
  p_concurrency_limits smallint[])
returns bigint[] language plpgsql security definer set search_path = '' as $$
declare
  v_held int;
  v_key text;
  v_job record;
  v_back bigint[] := '{}';
begin
  for v_job in
    select i.* from unnest(p_jobs, p_sort_keys, p_attempts, p_retries, p_crashes, p_concurrency_keys, p_concurrency_limits)
                      as i (job, sort_key, attempt, retries, crashes, concurrency_key, most)
     where i.concurrency_key is not null order by i.concurrency_key, i.sort_key, i.job
  loop
    if v_key is distinct from v_job.concurrency_key then
      update exora.concurrency_keys set held = v_held where concurrency_key = v_key;
      v_key := v_job.concurrency_key;
      insert into exora.concurrency_keys as k (concurrency_key, held) values (v_key, 0)
      on conflict (concurrency_key) do update set held = k.held returning k.held into v_held;
    end if;
    if v_held < v_job.most then
      v_held := v_held + 1;
    else
      insert into exora.held_back (concurrency_key, sort_key, job, attempt, retry_count, crash_count)
      values (v_key, v_job.sort_key, v_job.job, coalesce(v_job.attempt, 0), coalesce(v_job.retries, 0),
              coalesce(v_job.crashes, 0));
      v_back := v_back || v_job.job;
    end if;
  end loop;
  update exora.concurrency_keys set held = v_held where concurrency_key = v_key;
  return v_back;
end $$;
