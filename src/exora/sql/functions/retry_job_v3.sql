-- public.retry_job_v3: let a job run now: one that is scheduled, put off, held or waits for others becomes ready, a dead letter is redriven.
-- Answers ready, redriven, or the state of a job for which there is nothing to do. p_by and p_why go to the audit trail.
create or replace function public.retry_job_v3(p_job_id uuid, p_by text default null, p_why text default null)
returns text language plpgsql security definer set search_path = '' as $$
declare
  v_job exora.jobs := exora.job_of(p_job_id);
  v_waiting exora.scheduled;
  v_detail jsonb := exora.act_detail(p_by, p_why);
begin
  if public.redrive_jobs_v3(array[p_job_id], p_by, p_why) > 0 then return 'redriven'; end if;
  delete from exora.scheduled s where s.job = v_job.id returning * into v_waiting;
  if not found then
    return (select q.status from public.job_queue q where q.number = v_job.id);
  end if;
  delete from exora.dependencies d where d.job = v_job.id;
  insert into exora.audit_events (event, job, correlation_id, detail)
  values ('job_hurried', v_job.id, v_job.correlation_id, v_detail);
  perform exora.make_ready_again(array[v_job.id], array[v_waiting.attempt], array[v_waiting.retry_count::int],
                                 array[v_waiting.crash_count::int]);
  return 'ready';
end $$;
