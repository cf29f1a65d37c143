-- public.redrive_jobs_v3: bring dead letters back to pending, retries and crashes counted anew, history kept.
-- Answers how many; ids that are no dead letters are passed over. p_by and p_why go to the audit trail.
create or replace function public.redrive_jobs_v3(p_job_ids uuid[], p_by text default null, p_why text default null)
returns int language plpgsql security definer set search_path = '' as $$
declare
  v_count int;
  v_detail jsonb := exora.act_detail(p_by, p_why);
begin
  with removed as (
    delete from exora.dead_letters d
     where d.job = any (array(select exora.job_number(u) from unnest(p_job_ids) u))
    returning d.job, d.attempt
  ), audited as (
    insert into exora.audit_events (event, job, attempt, correlation_id, patient_id, document_id,
                                    detail)
    select 'job_redriven', r.job, r.attempt, j.correlation_id, j.patient_id, j.shell_file_id, v_detail
      from removed r join exora.jobs j on j.id = r.job
  ), woken as (
    select array_agg(job) as jobs, array_agg(attempt) as attempts, count(*)::int as n
      from removed
  ), moved as materialized (
    select exora.make_ready_again(jobs, attempts, array_fill(0, array[n]), array_fill(0, array[n]))
      from woken where n > 0
  )
  select w.n into v_count from woken w left join moved on true;
  return v_count;
end $$;
