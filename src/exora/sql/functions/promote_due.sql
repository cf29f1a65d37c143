-- exora.promote_due: make scheduled jobs whose time has come ready, at most p_limit, skipping locked ones. The time is
-- a variable: the index cannot be searched for what clock_timestamp() answers, and all that is scheduled would be read.
create or replace function exora.promote_due(p_limit int)
returns int language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_count int;
begin
  with due as (
    select job from exora.scheduled where due_at <= v_now
     order by due_at limit p_limit for update skip locked
  ), removed as (
    delete from exora.scheduled s where s.job = any (array(select job from due))
    returning s.job, s.attempt, s.retry_count, s.crash_count
  ), woken as (
    select array_agg(job) as jobs, array_agg(attempt) as attempts,
           array_agg(retry_count::int) as retries, array_agg(crash_count::int) as crashes,
           count(*)::int as n
      from removed
  ), moved as materialized (
    select exora.make_ready_again(jobs, attempts, retries, crashes) from woken where n > 0
  )
  select w.n into v_count from woken w left join moved on true;
  return v_count;
end $$;
