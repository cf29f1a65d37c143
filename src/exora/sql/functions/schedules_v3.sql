-- public.schedules_v3: all schedules, or those due now (p_due), the next first; asked_at is the database's time.
create or replace function public.schedules_v3(p_due boolean default false, p_limit int default 1000)
returns table (name text, cron text, time_zone text, job_type text, lane text, priority int, payload jsonb, missed text,
               next_at timestamptz, last_at timestamptz, job_id uuid, asked_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select s.name, s.cron, s.time_zone, s.job_type, s.lane, s.priority::int, s.payload, s.missed, s.next_at, s.last_at,
         (select exora.job_uuid(j.id, j.created_at) from exora.jobs j where j.id = s.last_job), clock_timestamp()
    from exora.schedules s where not p_due or s.next_at <= clock_timestamp()
   order by s.next_at, s.name limit p_limit
$$;
