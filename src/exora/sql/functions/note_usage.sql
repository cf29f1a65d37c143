-- exora.note_usage: write calls that have reached a provider into its window, by when they had at the latest, and their
-- cost into the day's.
create or replace function exora.note_usage(
  p_api int, p_profile text, p_times timestamptz[], p_requests int[], p_tokens bigint[], p_microusd bigint)
returns void language plpgsql security definer set search_path = '' as $$
begin
  insert into exora.api_window as w (api, tick, profile, requests, tokens)
  select p_api, ceil(date_part('epoch', u.at) * 5)::bigint, p_profile, sum(u.requests), sum(u.tokens)
    from unnest(p_times, p_requests, p_tokens) as u (at, requests, tokens)
   group by 2
  on conflict (api, tick, profile) do update
     set requests = w.requests + excluded.requests, tokens = w.tokens + excluded.tokens;
  if p_microusd > 0 then
    insert into exora.api_costs as c (api, day, microusd)
    values (p_api, (clock_timestamp() at time zone 'utc')::date, p_microusd)
    on conflict (api, day) do update set microusd = c.microusd + excluded.microusd;
  end if;
end $$;
