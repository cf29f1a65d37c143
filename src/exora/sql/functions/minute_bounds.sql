-- exora.minute_bounds: upper bounds in seconds of the histograms in exora.lane_minutes; a last bucket holds what is longer.
-- The same bounds are in exora.observe.tally.
create or replace function exora.minute_bounds()
returns double precision[] language sql immutable security definer set search_path = '' as $$
  select array[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800]::double precision[]
$$;
