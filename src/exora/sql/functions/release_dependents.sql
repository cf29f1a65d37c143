-- exora.release_dependents: look at up to p_limit needs of waiting jobs, the longest unlooked at first; forget those that are
-- met, and make jobs ready that need nothing any more. A needed job that retention has dropped counts as met: it had ended.
create or replace function exora.release_dependents(p_limit int)
returns int language plpgsql security definer set search_path = '' set jit = off as $$
declare
  v_looked tid[] := array(select d.ctid from exora.dependencies d order by d.checked_at limit p_limit for update skip locked);
  v_met bigint[];
  v_freed record;
begin
  if v_looked = '{}' then return 0; end if;
  with met as (
    delete from exora.dependencies d
     where d.ctid = any (v_looked)
       and (exists (select from exora.job_archive a where a.job = d.needs and (a.status = 'completed' or d.any_end))
            or d.any_end and exists (select from exora.dead_letters x where x.job = d.needs)
            or not exists (select from exora.jobs j where j.id = d.needs))
    returning d.job
  )
  select array_agg(distinct m.job) into v_met from met m;
  update exora.dependencies d set checked_at = clock_timestamp() where d.ctid = any (v_looked);
  if v_met is null then return 0; end if;
  with freed as (
    delete from exora.scheduled s
     where s.job = any (v_met) and s.due_at = exora.awaited_until()
       and not exists (select from exora.dependencies d where d.job = s.job)
    returning s.job, s.attempt, s.retry_count, s.crash_count
  )
  select array_agg(f.job) as jobs, array_agg(f.attempt) as attempts, array_agg(f.retry_count::int) as retries,
         array_agg(f.crash_count::int) as crashes
    into v_freed from freed f;
  if v_freed.jobs is null then return 0; end if;
  perform exora.make_ready_again(v_freed.jobs, v_freed.attempts, v_freed.retries, v_freed.crashes);
  return cardinality(v_freed.jobs);
end $$;
