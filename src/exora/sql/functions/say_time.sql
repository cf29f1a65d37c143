-- exora.say_time: a moment as people read it, to the second, in UTC.
create or replace function exora.say_time(p_at timestamptz)
returns text language sql stable security definer set search_path = '' as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
$$;
