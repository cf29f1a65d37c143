-- exora.explain_place: a ready job's place in line: how many of the same patient, and how many of all, are claimed before it.
-- Counting stops at 100000. A ready row is found by its order: no key is older than the job.
create or replace function exora.explain_place(p_job public.job_queue)
returns setof exora.job_fact language plpgsql stable security definer set search_path = '' set jit = off as $$
declare
  v_key bigint;
  v_ahead bigint;
  v_patient bigint := 0;
begin
  select r.sort_key into v_key from exora.ready r
   where p_job.status = 'pending' and r.lane = p_job.job_lane and r.job = p_job.number
     and r.sort_key >= (date_part('epoch', p_job.created_at) * 1000000)::bigint limit 1;
  if v_key is null then return; end if;
  select count(*) into v_ahead from (
    select from exora.ready r where r.lane = p_job.job_lane and (r.sort_key, r.job) < (v_key, p_job.number) limit 100000) r;
  if p_job.patient_id is not null then
    select count(*) into v_patient from (
      select r.job from exora.ready r where r.lane = p_job.job_lane and (r.sort_key, r.job) < (v_key, p_job.number)
       order by r.sort_key desc limit 100000) r
     where r.job in (select j.id from exora.jobs j where j.patient_id = p_job.patient_id order by j.id desc limit 10000);
  end if;
  if v_patient > 0 then
    return next row(40, 'behind_patient', format('it is behind %s job(s) of the same patient: jobs of one patient line up so that'
                    ' others get their turn', v_patient), 'Wait, or give urgent jobs a priority below 5')::exora.job_fact;
  end if;
  return next row(50, case when v_ahead = 0 then 'next' else 'in_line' end,
                  case when v_ahead = 0 then format('it is the next job of lane %s', p_job.job_lane)
                       else format('%s%s job(s) are before it in lane %s', v_ahead,
                                   case when v_ahead = 100000 then ' or more' else '' end, p_job.job_lane) end,
                  case when v_ahead = 0 then 'Nothing to do' else 'Wait; more workers shorten the line' end)::exora.job_fact;
end $$;
