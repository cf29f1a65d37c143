-- exora.explain_key: a job held back since as many as may be are ready or running for its concurrency key. The key is not
-- said: it is the producer's own, and may be a patient's id.
create or replace function exora.explain_key(p_job public.job_queue)
returns setof exora.job_fact language sql stable security definer set search_path = '' as $$
  select 25, 'concurrency_key',
         format('its concurrency key lets %s job(s) run at once; %s hold(s) it, and %s job(s) wait for it before this one',
                j.concurrency_limit,
                coalesce('job ' || holders.ids, (select k.held || ' ready job(s)' from exora.concurrency_keys k
                                                  where k.concurrency_key = h.concurrency_key), 'none'), ahead.n),
         coalesce('Wait for it, or: exora jobs cancel ' || holders.first, 'Wait for the ready ones to be claimed')
    from exora.held_back h
    join exora.jobs j on j.id = h.job
    cross join lateral (
      select string_agg(exora.job_uuid(r.job, x.created_at)::text, ', ' order by r.started_at) as ids,
             (array_agg(exora.job_uuid(r.job, x.created_at) order by r.started_at))[1] as first
        from (select * from exora.running r where r.concurrency_key = h.concurrency_key order by r.started_at limit 3) r
        join exora.jobs x on x.id = r.job) holders
    cross join lateral (
      select count(*) as n from (select from exora.held_back o where o.concurrency_key = h.concurrency_key
                                    and (o.sort_key, o.job) < (h.sort_key, h.job) limit 10000) o) ahead
   where h.job = p_job.number
$$;
