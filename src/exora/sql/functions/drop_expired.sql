-- exora.drop_expired: retention. Answers how many jobs were let go, at most p_limit in a call.
--
-- Finished jobs go by days: the wide rows of an old day's jobs are deleted in batches, in the order of its partition's
-- index from where the last call stopped; when none is left the partition is dropped, at the price of one file. The lock it
-- takes (of the whole archive) stops settlements while it waits, so it waits a tenth of a second: another sweep will do. Then dead letters past their own age. Each day dropped, and each dead letter, is
-- one audit event.
create or replace function exora.drop_expired(p_limit int)
returns int language plpgsql security definer set search_path = '' set lock_timeout = '100ms' as $$
declare
  v_keep exora.retention;
  v_day record;
  v_dead_before timestamptz;  -- in a variable, that the index can be searched for it
  v_jobs bigint[];
begin
  select * into strict v_keep from exora.retention;
  v_dead_before := clock_timestamp() - make_interval(days => v_keep.dead_days);
  select c.oid::regclass as partition, c.relname as name into v_day
    from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
   where i.inhparent = 'exora.job_archive'::regclass and c.relname ~ '^job_archive_[0-9]{8}$'
     and to_date(right(c.relname, 8), 'YYYYMMDD') + v_keep.finished_days
         < (clock_timestamp() at time zone 'UTC')::date
   order by c.relname limit 1;
  if found then
    execute format('select array_agg(a.job) from (select job from %s where job > $1 order by job limit $2) a', v_day.partition)
      into v_jobs using v_keep.forgotten_to, p_limit;
    if v_jobs is not null then
      perform exora.forget_jobs(v_jobs);
      update exora.retention set forgotten_to = v_jobs[cardinality(v_jobs)], forgotten = forgotten + cardinality(v_jobs);
      return cardinality(v_jobs);
    end if;
    begin
      execute format('drop table %s', v_day.partition);
      update exora.retention set forgotten_to = 0, forgotten = 0;
      insert into exora.audit_events (event, correlation_id, detail)
      values ('archive_dropped', gen_random_uuid(), jsonb_build_object('day', right(v_day.name, 8), 'jobs', v_keep.forgotten));
    exception when lock_not_available then
      null;
    end;
    return 0;
  end if;

  with old as (
    select job from exora.dead_letters
     where dead_letter_at < v_dead_before
     order by dead_letter_at limit p_limit for update skip locked
  ), removed as (
    delete from exora.dead_letters d where d.job = any (array(select job from old)) returning d.job, d.attempt
  ), audited as (
    insert into exora.audit_events (event, job, attempt, correlation_id)
    select 'dead_letter_dropped', r.job, r.attempt, j.correlation_id from removed r join exora.jobs j on j.id = r.job
  )
  select array_agg(job) into v_jobs from removed;
  perform exora.forget_jobs(v_jobs);
  return coalesce(cardinality(v_jobs), 0);
end $$;
