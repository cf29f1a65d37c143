-- exora.forget_usage: let go what jobs used, job by job, when finished jobs of that age are let go, and yesterday's counts of
-- enqueued ones; at most 5000 rows of each in a call.
create or replace function exora.forget_usage()
returns void language sql volatile security definer set search_path = '' as $$
  delete from exora.job_usage u
   where u.ctid = any (array(select o.ctid from exora.job_usage o, exora.retention r
                              where o.day < (clock_timestamp() at time zone 'UTC')::date - r.finished_days limit 5000));
  delete from exora.enqueued_days d
   where d.ctid = any (array(select o.ctid from exora.enqueued_days o
                              where o.day < (clock_timestamp() at time zone 'UTC')::date limit 5000))
$$;
