-- exora.explain_crashes: the workers that died, or were cut off, while they ran a job that has not ended well.
create or replace function exora.explain_crashes(p_job public.job_queue)
returns setof exora.job_fact language sql stable security definer set search_path = '' as $$
  select 70, 'crashed',
         format('its worker was lost %s time(s) while it ran: %s; the third time makes it a dead letter', count(*),
                string_agg(format('%s at %s (attempt %s)', coalesce(a.worker_id, 'unknown'), exora.say_time(a.at), a.attempt), ', '
                           order by a.at)),
         'Read the log of that worker: killed for its memory, or stopped hard? To keep the job from running: exora jobs hold '
         || p_job.id
    from exora.audit_events a
   where p_job.crash_count > 0 and p_job.status in ('pending', 'processing', 'failed') and a.job = p_job.number
     and (a.event = 'job_rescued' or a.event = 'job_dead_lettered' and a.detail ->> 'code' = 'worker_lost')
  having count(*) > 0
$$;
