-- exora.forget_jobs: delete the wide rows and the errors of jobs that retention lets go. What they led to (records, steps,
-- the audit trail) stays.
create or replace function exora.forget_jobs(p_jobs bigint[])
returns void language sql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
  delete from exora.job_errors e where e.job = any (p_jobs);
  delete from exora.jobs j where j.id = any (p_jobs)
$$;
