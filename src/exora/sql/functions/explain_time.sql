-- exora.explain_time: a job that waits for its time: asked for, a retry, put off, suspected of killing workers, held by an
-- operator, or overdue; or for other jobs.
create or replace function exora.explain_time(p_job public.job_queue)
returns setof exora.job_fact language sql stable security definer set search_path = '' as $$
  with waiting as (
    select s.due_at, s.due_at - clock_timestamp() as left, last.event, last.at, last.detail
      from exora.scheduled s
      left join lateral (select a.event, a.at, a.detail from exora.audit_events a
                          where a.job = p_job.number order by a.at desc, a.id desc limit 1) last on true
     where s.job = p_job.number
  )
  select 10,
         case when w.due_at = exora.awaited_until() then 'depends' when w.due_at >= exora.held_until() then 'held' when w.left < interval '-10 s' then 'overdue'
              when w.event = 'job_retried' then 'retry' when w.event = 'job_snoozed' then 'snoozed' when w.event = 'job_rescued' then 'suspect' else 'scheduled' end,
         case when w.due_at = exora.awaited_until()
                then coalesce(format('it waits for %s other job(s); the first, %s, is %s', n.needed, n.first, n.status),
                              'the jobs it waited for have ended; the next sweep makes it ready')
              when w.due_at >= exora.held_until()
                then 'an operator holds it since ' || exora.say_time(w.at) || exora.say_act(w.detail ->> 'by', w.detail ->> 'why')
              when w.left < interval '-10 s'
                then format('it was due %s ago and nobody has made it ready: no worker sweeps', exora.say_span(w.left))
              when w.event = 'job_retried'
                then format('it failed (%s) and is tried again at %s, in %s: retry %s of %s', coalesce(w.detail ->> 'code', 'no code'),
                            exora.say_time(w.due_at), exora.say_span(w.left), p_job.retry_count, p_job.max_retries)
              when w.event = 'job_snoozed'
                then format('it was put off (%s) until %s, in %s', coalesce(w.detail ->> 'reason', 'no reason given'),
                            exora.say_time(w.due_at), exora.say_span(w.left))
              when w.event = 'job_rescued'
                then format('workers died while they held it and others: it comes back apart from them at %s, in %s',
                            exora.say_time(w.due_at), exora.say_span(w.left))
              else format('it is scheduled for %s, in %s', exora.say_time(w.due_at), exora.say_span(w.left)) end,
         case when w.left < interval '-10 s' then 'Start a worker: exora worker'
              when n.status in ('failed', 'cancelled')
                then format('Bring that one back: exora jobs retry %s; or run this one without it: exora jobs retry %s', n.first, p_job.id)
              when w.due_at >= exora.held_until() then 'Let it go: exora jobs retry ' || p_job.id
              else 'To run it now: exora jobs retry ' || p_job.id end
    from waiting w
    left join lateral (
      select count(*) over () as needed, q.id as first, q.status
        from exora.dependencies d cross join lateral (select * from public.job_queue q where q.number = d.needs limit 1) q
       where d.job = p_job.number and w.due_at = exora.awaited_until()
       order by q.status in ('failed', 'cancelled') desc, d.needs limit 1) n on true
$$;
