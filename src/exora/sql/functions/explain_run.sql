-- exora.explain_run: who runs a job, since when, and whether its worker still says so.
create or replace function exora.explain_run(p_job public.job_queue)
returns setof exora.job_fact language sql stable security definer set search_path = '' as $$
  select case when r.lease_expires_at < clock_timestamp() then 10 else 20 end,
         case when r.lease_expires_at < clock_timestamp() then 'lease_lapsed' when r.cancel_requested then 'cancelling'
              else 'running' end,
         case when r.lease_expires_at < clock_timestamp()
                then format('worker %s has not been heard of for %s and its lease lapsed %s ago; the next sweep takes the job back',
                            r.worker_id, exora.say_span(clock_timestamp() - r.heartbeat_at),
                            exora.say_span(clock_timestamp() - r.lease_expires_at))
              when r.cancel_requested
                then format('worker %s runs it and is to stop it with its next heartbeat; the last was %s ago', r.worker_id,
                            exora.say_span(clock_timestamp() - r.heartbeat_at))
              else format('worker %s has been running it for %s (attempt %s), the last heartbeat was %s ago, and the attempt'
                          ' times out at %s', r.worker_id, exora.say_span(clock_timestamp() - r.started_at), r.attempt,
                          exora.say_span(clock_timestamp() - r.heartbeat_at),
                          exora.say_time(r.started_at + make_interval(secs => t.timeout_s))) end,
         case when r.lease_expires_at < clock_timestamp() then 'If it stays so, no worker sweeps: start one: exora worker'
              when r.cancel_requested then 'Wait; if its worker is gone, the lease lapses at ' || exora.say_time(r.lease_expires_at)
              else 'To stop it: exora jobs cancel ' || p_job.id end
    from exora.running r join exora.job_types t on t.job_type = p_job.job_type
   where r.job = p_job.number
$$;
