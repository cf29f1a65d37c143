-- exora.sweep_capacity: forget up to p_limit lapsed leases, lapsed blocks and ticks that count no more. Money that a lapsed
-- lease had set aside is taken as spent: nobody can say that it was not. Answers how many leases and blocks lapsed.
create or replace function exora.sweep_capacity(p_limit int default 500)
returns int language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_lapsed int;
begin
  with lost as (
    delete from exora.api_reservations r
     where r.id in (select x.id from exora.api_reservations x
                     where x.lease_expires_at < v_now and x.sent_by < v_now - interval '61 s'
                     limit p_limit for update skip locked)
    returning r.api, r.microusd
  ), gone as (
    delete from exora.api_holders h
     where (h.api, h.profile, h.holder) in (
             select x.api, x.profile, x.holder from exora.api_holders x
              where x.lease_expires_at < v_now and x.sent_by < v_now - interval '61 s' limit p_limit for update skip locked)
    returning h.api, h.microusd
  ), ended as (
    select * from lost union all select * from gone
  ), spent as (
    insert into exora.api_costs as c (api, day, microusd)
    select e.api, (v_now at time zone 'utc')::date, sum(e.microusd) from ended e group by e.api having sum(e.microusd) > 0
    on conflict (api, day) do update set microusd = c.microusd + excluded.microusd
  )
  select count(*) into v_lapsed from ended;
  delete from exora.api_window w using exora.api_rate_limits l
   where w.api = l.api and w.tick < floor((date_part('epoch', v_now) - 70) * 5)::bigint;
  return v_lapsed;
end $$;
