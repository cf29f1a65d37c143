-- exora.explain_provider: a waiting job of a type that is not claimed since an API it calls has no room now.
create or replace function exora.explain_provider(p_job public.job_queue)
returns setof exora.job_fact language sql stable security definer set search_path = '' as $$
  select 22, 'provider_closed',
         format('%s has no room for it now: %s%s%s', split_part(r.reason, ':', 1), split_part(r.reason, ':', 2),
                case when split_part(r.reason, ':', 2) = 'operator' then exora.say_act(s.closed_by, s.closed_why) end,
                coalesce(', until ' || exora.say_time(s.closed_until), '')),
         case when s.closed_kind = 'closed' then 'A person must open it, when the cause is mended: exora capacity open '
                                                 || replace(split_part(r.reason, ':', 1), '/', ' ')
              else 'It opens by itself; see how full it is: exora capacity show' end
    from exora.room_for_types(array[p_job.job_type]) r
    left join exora.api_rate_limits l on l.provider_name || '/' || l.api_endpoint = split_part(r.reason, ':', 1)
    left join lateral (select x.closed_kind, x.closed_by, x.closed_why,
                              case when x.closed_until < timestamptz 'infinity' and x.closed_until > clock_timestamp()
                                   then x.closed_until end as closed_until
                         from exora.api_state x where x.api = l.api) s on true
   where p_job.status = 'pending' and r.room < 1
$$;
