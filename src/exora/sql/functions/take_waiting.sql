-- exora.take_waiting: take a job out of where it waits (scheduled, ready or held back) and give its place of a concurrency key
-- to another. Answers what is to be kept of it; attempt null: it does not wait.
create or replace function exora.take_waiting(p_job exora.jobs, out attempt int, out retry_count smallint, out crash_count smallint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_key text;
begin
  delete from exora.scheduled s where s.job = p_job.id returning s.attempt, s.retry_count, s.crash_count
    into attempt, retry_count, crash_count;
  if found then return; end if;
  -- A ready row is found by its order: no key is older than the job.
  delete from exora.ready r
   where r.lane = p_job.lane and r.job = p_job.id
     and r.sort_key >= (date_part('epoch', p_job.created_at) * 1000000)::bigint
  returning r.attempt, r.retry_count, r.crash_count, r.concurrency_key into attempt, retry_count, crash_count, v_key;
  if found then
    if v_key is not null then
      perform exora.let_in(array[v_key]);
    end if;
    return;
  end if;
  delete from exora.held_back h where h.job = p_job.id returning h.attempt, h.retry_count, h.crash_count
    into attempt, retry_count, crash_count;
end $$;
