-- exora.job_of: the wide row of a job by its public id.
create or replace function exora.job_of(p_job_id uuid)
returns exora.jobs language plpgsql stable security definer set search_path = '' as $$
declare v_job exora.jobs;
begin
  select * into v_job from exora.jobs j
   where j.id = exora.job_number(p_job_id) and exora.job_uuid(j.id, j.created_at) = p_job_id;
  if not found then
    perform exora.refuse('PT404', 'no job of this id', 'p_job_id', 'See: exora jobs list');
  end if;
  return v_job;
end $$;
