-- exora.explain_end: how a job ended: completed, cancelled, or as a dead letter, with others that died of the same.
create or replace function exora.explain_end(p_job public.job_queue)
returns setof exora.job_fact language sql stable security definer set search_path = '' as $$
  select 10, 'completed',
         format('it was done at %s in %s by worker %s, attempt %s', exora.say_time(p_job.completed_at),
                exora.say_span(p_job.actual_duration), p_job.worker_id, p_job.attempt),
         'See it: exora jobs show ' || p_job.id
   where p_job.status = 'completed'
  union all
  select 10, 'cancelled',
         format('it was given up at %s%s', exora.say_time(p_job.completed_at), exora.say_act(a.detail ->> 'by', a.detail ->> 'why')),
         'Enqueue it again if it is wanted'
    from (select) one
    left join lateral (select e.detail from exora.audit_events e
                        where e.job = p_job.number and e.event in ('job_cancelled', 'job_cancel_requested') and e.detail ? 'by'
                        order by e.at desc limit 1) a on true
   where p_job.status = 'cancelled'
  union all
  select 10, d.cause,
         case d.cause when 'exhausted' then format('all %s retries failed, the last with %s', p_job.max_retries,
                                                   coalesce(p_job.error_details ->> 'code', 'no code'))
                      when 'poison' then format('%s workers died while they ran it', d.crash_count)
                      else 'it can never succeed as it is: ' || coalesce(p_job.error_details ->> 'code', 'no code') end
         || format(', on %s', exora.say_time(d.dead_letter_at)),
         case d.cause when 'poison' then 'Find out why those workers died (memory?), then: exora jobs redrive '
                      else coalesce(nullif(rtrim(p_job.last_error, '. '), '') || '. Then: ', 'Mend the cause, then: ') || 'exora jobs redrive ' end
         || p_job.id
    from exora.dead_letters d where d.job = p_job.number
  union all
  select 80, 'same_error', format('%s%s other dead letter(s) have the same fingerprint, %s', n.others,
                                  case when n.others = 10000 then ' or more' else '' end, d.fingerprint),
         'Redrive all of them: exora dead redrive --fingerprint ' || d.fingerprint
    from exora.dead_letters d
    cross join lateral (select count(*) as others from (select from exora.dead_letters o
                          where o.fingerprint = d.fingerprint and o.job <> d.job limit 10000) o) n
   where d.job = p_job.number and n.others > 0
$$;
