-- public.redrive_group_v3: redrive dead letters of one fingerprint, or of all (null), that had died by p_until (null: now), at
-- most p_limit; answers how many and that time. Called again with it until it answers less, it leaves alone what dies again.
create or replace function public.redrive_group_v3(
  p_fingerprint text default null, p_until timestamptz default null, p_limit int default 1000, p_by text default null,
  p_why text default null)
returns table (redriven int, dead_until timestamptz) language plpgsql security definer set search_path = '' as $$
begin
  dead_until := coalesce(p_until, clock_timestamp());
  redriven := public.redrive_jobs_v3(array(
    select exora.job_uuid(j.id, j.created_at)
      from (select d.job from exora.dead_letters d
             where (p_fingerprint is null or d.fingerprint = p_fingerprint or p_fingerprint = '' and d.fingerprint is null)
               and d.dead_letter_at <= dead_until
             order by d.job limit least(p_limit, 10000)) d
      join exora.jobs j on j.id = d.job), p_by, p_why);
  return next;
end $$;
