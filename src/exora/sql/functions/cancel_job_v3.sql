-- public.cancel_job_v3: give a job up. Waiting jobs are cancelled at once; a running one is asked to stop with its next
-- heartbeat. Answers cancelled, requested or, for a job that has ended, its state.
create or replace function public.cancel_job_v3(p_job_id uuid)
returns text language plpgsql security definer set search_path = '' as $$
declare
  v_job exora.jobs;
  v_waiting record;
begin
  select * into v_job from exora.jobs j
   where j.id = exora.job_number(p_job_id) and exora.job_uuid(j.id, j.created_at) = p_job_id;
  if not found then
    perform exora.refuse('PT404', 'no job of this id', 'p_job_id', 'See: exora jobs list');
  end if;
  update exora.running set cancel_requested = true where job = v_job.id;
  if found then
    insert into exora.audit_events (event, job, correlation_id) values ('job_cancel_requested', v_job.id, v_job.correlation_id);
    return 'requested';
  end if;
  delete from exora.scheduled where job = v_job.id returning attempt, retry_count, crash_count into v_waiting;
  if not found then
    -- A ready row is found by its order: no key is older than the job.
    delete from exora.ready r
     where r.lane = v_job.lane and r.job = v_job.id
       and r.sort_key >= (date_part('epoch', v_job.created_at) * 1000000)::bigint
    returning attempt, retry_count, crash_count, concurrency_key into v_waiting;
    if found and v_waiting.concurrency_key is not null then
      perform exora.let_in(array[v_waiting.concurrency_key]);
    end if;
  end if;
  if v_waiting is null then
    delete from exora.held_back where job = v_job.id returning attempt, retry_count, crash_count into v_waiting;
  end if;
  if v_waiting is null then
    return (select q.status from public.job_queue q where q.number = v_job.id);
  end if;
  insert into exora.job_archive (job, attempt, status, finished_at, retry_count, crash_count)
  values (v_job.id, v_waiting.attempt, 'cancelled', clock_timestamp(), v_waiting.retry_count, v_waiting.crash_count);
  -- No attempt: it ends none.
  insert into exora.audit_events (event, job, correlation_id) values ('job_cancelled', v_job.id, v_job.correlation_id);
  return 'cancelled';
end $$;
