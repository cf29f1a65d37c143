-- public.list_jobs_v3: jobs by id, or the newest of all, of a patient or of a state. First the numbers are chosen from the
-- table that knows them, then the view is probed for each: a filter on the view itself would read every job there is.
create or replace function public.list_jobs_v3(
  p_status text default null, p_patient_id uuid default null, p_job_ids uuid[] default null, p_limit int default 50)
returns setof public.job_queue language plpgsql stable security definer set search_path = '' set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_numbers bigint[];
begin
  if p_job_ids is not null then
    v_numbers := array(select distinct exora.job_number(u) from unnest(p_job_ids) u);
  elsif p_patient_id is not null then
    v_numbers := array(select j.id from exora.jobs j where j.patient_id = p_patient_id order by j.id desc limit p_limit);
  elsif p_status is null then
    v_numbers := array(select j.id from exora.jobs j order by j.id desc limit p_limit);
  elsif p_status = 'processing' then
    v_numbers := array(select r.job from exora.running r order by r.job desc limit p_limit);
  elsif p_status = 'failed' then
    v_numbers := array(select d.job from exora.dead_letters d order by d.job desc limit p_limit);
  elsif p_status = 'pending' then
    v_numbers := array(
      select job from (
        (select r.job from exora.lanes l, lateral (
           select job from exora.ready where lane = l.lane order by sort_key desc limit p_limit) r)
        union all (select h.job from exora.held_back h order by h.job desc limit p_limit)
        union all (select s.job from exora.scheduled s order by s.job desc limit p_limit)) w
       order by job desc limit p_limit);
  else
    v_numbers := array(select a.job from exora.job_archive a where a.status = p_status order by a.job desc limit p_limit);
  end if;
  return query
  select q.* from unnest(v_numbers) n cross join lateral (select * from public.job_queue q where q.number = n limit 1) q
   where (p_status is null or q.status = p_status) and (p_patient_id is null or q.patient_id = p_patient_id)
   order by q.number desc limit p_limit;
end $$;
