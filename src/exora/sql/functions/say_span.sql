-- exora.say_span: a length of time in one rounded unit; the sign is not said.
create or replace function exora.say_span(p_span interval)
returns text language sql immutable security definer set search_path = '' as $$
  select case when s < 0.5 then 'less than a second' when s < 120 then round(s) || ' s' when s < 7200 then round(s / 60) || ' min'
              when s < 172800 then round(s / 3600) || ' h' else round(s / 86400) || ' days' end
    from (select abs(extract(epoch from p_span)) as s) a
$$;
