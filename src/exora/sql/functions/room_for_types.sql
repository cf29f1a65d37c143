-- exora.room_for_types: for how many jobs of each type there is room at the APIs they need. A type without a row has no
-- bound. Claims look here first, so that a job which cannot run is not claimed.
--
-- Room is what is free now and what leaves the window within ten seconds (jobs take a while to come to their first call),
-- less the calls that wait already. An API that was not pressed within the last two seconds and is not shut bounds nothing
-- and is not looked at further. Runs under the settings of the function that asks: settings of its own would cost more than
-- the look into an almost empty table.
create or replace function exora.room_for_types(p_job_types text[])
returns table (job_type text, room int, reason text)
language plpgsql stable as $$
begin
  perform from exora.job_type_needs n where n.job_type = any (p_job_types) limit 1;
  if not found then
    return;
  end if;
  return query
  select distinct on (n.job_type) n.job_type, r.room, r.reason
    from exora.job_type_needs n
    join exora.api_rate_limits l on l.api = n.api
    left join exora.api_state s on s.api = n.api
   cross join lateral exora.api_room(l, s, n.requests_per_job, n.tokens_per_job, pg_catalog.clock_timestamp()) r
   where n.job_type = any (p_job_types)
     and (l.status <> 'active' or s.closed_kind = 'down'
          or greatest(s.closed_until, s.pressed_until) > pg_catalog.clock_timestamp())
   order by n.job_type, r.room;
end $$;
