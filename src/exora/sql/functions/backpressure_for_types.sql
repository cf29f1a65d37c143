-- exora.backpressure_for_types: until when jobs of these types had better wait, and why: an API they need is shut, or used
-- beyond its backpressure_threshold. What only a person opens is looked at again in a minute. No row: no reason to wait.
-- Enqueue asks it and answers "deferred". Runs under the settings of the function that asks, as exora.room_for_types does.
create or replace function exora.backpressure_for_types(p_job_types text[])
returns table (job_type text, deferred_until timestamptz, reason text)
language plpgsql stable as $$
begin
  perform from exora.job_type_needs n where n.job_type = any (p_job_types) limit 1;
  if not found then
    return;
  end if;
  return query
  select distinct on (n.job_type) n.job_type,
         case when s.closed_until > pg_catalog.clock_timestamp() and s.closed_until < 'infinity' then s.closed_until
              else pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs =>
                case when l.status <> 'active' or s.closed_until = 'infinity' then 60 else l.backpressure_delay_seconds end)
              end
           as deferred_until,
         l.provider_name || '/' || l.api_endpoint || ':' ||
           case when l.status <> 'active' then l.status
                when s.closed_until > pg_catalog.clock_timestamp() or s.closed_kind = 'down' then s.closed_reason
                else 'above_threshold' end
    from exora.job_type_needs n
    join exora.api_rate_limits l on l.api = n.api
    left join exora.api_state s on s.api = n.api
   where n.job_type = any (p_job_types)
     and (l.status <> 'active' or s.closed_kind = 'down'
          or greatest(s.closed_until, s.pressed_until) > pg_catalog.clock_timestamp())
   order by n.job_type, deferred_until desc;
end $$;
