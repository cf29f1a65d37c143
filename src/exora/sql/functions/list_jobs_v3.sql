-- public.list_jobs_v3: the newest jobs, optionally of one status, patient or set of ids.
create or replace function public.list_jobs_v3(
  p_status text default null, p_patient_id uuid default null, p_job_ids uuid[] default null, p_limit int default 50)
returns setof public.job_queue language sql stable security definer set search_path = '' as $$
  select q.* from public.job_queue q
   where (p_job_ids is null or q.number = any (array(select exora.job_number(u) from unnest(p_job_ids) u)))
     and (p_status is null or q.status = p_status)
     and (p_patient_id is null or q.patient_id = p_patient_id)
   order by q.number desc limit p_limit
$$;
