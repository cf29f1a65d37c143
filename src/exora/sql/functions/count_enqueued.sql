-- exora.count_enqueued: count new jobs against what their patients may use on a day (UTC), and refuse them if one's limit is
-- passed by them (jobs) or was reached before (pages and money, known when the work is done). Does nothing while that is off.
create or replace function exora.count_enqueued(p_jobs bigint[])
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_day date := (clock_timestamp() at time zone 'UTC')::date;
  v_over text;
begin
  if not exists (select from exora.features f where f.feature = 'usage_limits' and f.enabled) then
    return;
  end if;
  with new as (
    select j.patient_id, count(*) as jobs from exora.jobs j
     where j.id = any (p_jobs) and j.patient_id is not null group by j.patient_id
  ), counted as (
    insert into exora.enqueued_days as d (day, patient_id, jobs) select v_day, n.patient_id, n.jobs from new n order by n.patient_id
    on conflict (day, patient_id) do update set jobs = d.jobs + excluded.jobs
    returning d.patient_id, d.jobs
  )
  select case when c.jobs > l.jobs_per_day then format('%s jobs', l.jobs_per_day)
              when u.pages >= l.pages_per_day then format('%s pages', l.pages_per_day)
              else format('US$ %s', l.usd_per_day::double precision) end into v_over
    from counted c
    cross join lateral (select x.* from exora.usage_limits x where x.patient_id = c.patient_id or x.patient_id is null
                         order by x.patient_id nulls last limit 1) l
    cross join lateral (select coalesce(sum(p.pages) filter (where p.model = ''), 0) as pages,
                               coalesce(sum(p.microusd), 0) / 1000000 as usd
                          from exora.patient_usage p where p.patient_id = c.patient_id and p.day = v_day) u
   where c.jobs > l.jobs_per_day or u.pages >= l.pages_per_day or u.usd >= l.usd_per_day
   limit 1;
  if v_over is not null then
    perform exora.refuse('PT429', format('this patient has reached the limit of %s a day', v_over), 'patient_id',
                         'It is counted anew at midnight UTC; or raise it: exora usage limits set');
  end if;
end $$;
