-- public.cancel_job_v3: give a job up. Waiting jobs are cancelled at once; a running one is asked to stop with its next
-- heartbeat. Answers cancelled, requested or, for a job that has ended, its state. p_by and p_why go to the audit trail.
create or replace function public.cancel_job_v3(p_job_id uuid, p_by text default null, p_why text default null)
returns text language plpgsql security definer set search_path = '' as $$
declare
  v_job exora.jobs := exora.job_of(p_job_id);
  v_waiting record;
  v_detail jsonb := exora.act_detail(p_by, p_why);
begin
  update exora.running set cancel_requested = true where job = v_job.id;
  if found then
    insert into exora.audit_events (event, job, correlation_id, detail)
    values ('job_cancel_requested', v_job.id, v_job.correlation_id, v_detail);
    return 'requested';
  end if;
  v_waiting := exora.take_waiting(v_job);
  if v_waiting.attempt is null then
    return (select q.status from public.job_queue q where q.number = v_job.id);
  end if;
  insert into exora.job_archive (job, attempt, status, finished_at, retry_count, crash_count)
  values (v_job.id, v_waiting.attempt, 'cancelled', clock_timestamp(), v_waiting.retry_count, v_waiting.crash_count);
  -- No attempt: it ends none.
  insert into exora.audit_events (event, job, correlation_id, detail)
  values ('job_cancelled', v_job.id, v_job.correlation_id, v_detail);
  return 'cancelled';
end $$;
