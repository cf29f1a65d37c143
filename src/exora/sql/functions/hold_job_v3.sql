-- public.hold_job_v3: keep a waiting job from running until exora.retry_job_v3 lets it go. Answers held, or the state of a job
-- that does not wait. p_by and p_why go to the audit trail.
create or replace function public.hold_job_v3(p_job_id uuid, p_by text default null, p_why text default null)
returns text language plpgsql security definer set search_path = '' as $$
declare
  v_job exora.jobs;
  v_waiting record;
  v_detail jsonb := exora.act_detail(p_by, p_why);
begin
  v_job := exora.job_of(p_job_id);
  v_waiting := exora.take_waiting(v_job);
  if v_waiting.attempt is null then
    return (select q.status from public.job_queue q where q.number = v_job.id);
  end if;
  insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
  values (v_job.id, exora.held_until(), v_waiting.attempt, v_waiting.retry_count, v_waiting.crash_count);
  insert into exora.audit_events (event, job, correlation_id, detail) values ('job_held', v_job.id, v_job.correlation_id, v_detail);
  return 'held';
end $$;
