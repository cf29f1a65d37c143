-- public.list_jobs_v3: jobs by id, or the newest of all, of a patient, of a state, of a lane, or dead of one error; p_before,
-- a job's id, asks for those older than it (the next page). First the numbers are chosen from the table that knows them, then
-- the view is probed for each: a filter on the view itself would read every job there is. A lane is looked for among the
-- newest 100000 jobs that otherwise fit.
create or replace function public.list_jobs_v3(
  p_status text default null, p_patient_id uuid default null, p_job_ids uuid[] default null, p_limit int default 50,
  p_before uuid default null, p_lane text default null, p_fingerprint text default null)
returns setof public.job_queue language plpgsql stable security definer set search_path = '' set jit = off
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  v_before bigint := coalesce(nullif(exora.job_number(p_before), 0), 9223372036854775807);
  v_most int := case when p_lane is null then p_limit else 100000 end;
  v_numbers bigint[];
begin
  if p_job_ids is not null then
    v_numbers := array(select distinct exora.job_number(u) from unnest(p_job_ids) u);
  elsif p_patient_id is not null then
    v_numbers := array(select j.id from exora.jobs j where j.patient_id = p_patient_id and j.id < v_before
                        order by j.id desc limit v_most);
  elsif p_fingerprint is not null then
    v_numbers := array(select d.job from exora.dead_letters d where d.fingerprint = p_fingerprint and d.job < v_before
                        order by d.job desc limit v_most);
  elsif p_status is null then
    v_numbers := array(select j.id from exora.jobs j where j.id < v_before order by j.id desc limit v_most);
  elsif p_status = 'processing' then
    v_numbers := array(select r.job from exora.running r where r.job < v_before order by r.job desc limit v_most);
  elsif p_status = 'failed' then
    v_numbers := array(select d.job from exora.dead_letters d where d.job < v_before order by d.job desc limit v_most);
  elsif p_status = 'pending' then
    v_numbers := array(
      select job from (
        (select r.job from exora.lanes l, lateral (
           select job from exora.ready where lane = l.lane and job < v_before order by sort_key desc limit p_limit) r
          where p_lane is null or l.lane = p_lane)
        union all (select h.job from exora.held_back h where h.job < v_before order by h.job desc limit v_most)
        union all (select s.job from exora.scheduled s where s.job < v_before order by s.job desc limit v_most)) w
       order by job desc limit v_most);
  elsif p_status = 'cancelled' then  -- by name, for the sake of its own index
    v_numbers := array(select a.job from exora.job_archive a where a.status = 'cancelled' and a.job < v_before
                        order by a.job desc limit v_most);
  else
    v_numbers := array(select a.job from exora.job_archive a where a.status = p_status and a.job < v_before
                        order by a.job desc limit v_most);
  end if;
  if p_lane is not null then
    v_numbers := array(select n from unnest(v_numbers) with ordinality as u (n, o)
                        where (select j.lane from exora.jobs j where j.id = n) = p_lane order by o limit p_limit);
  end if;
  return query
  select q.* from unnest(v_numbers) n cross join lateral (select * from public.job_queue q where q.number = n limit 1) q
   where (p_status is null or q.status = p_status) and (p_patient_id is null or q.patient_id = p_patient_id)
   order by q.number desc limit p_limit;
end $$;
