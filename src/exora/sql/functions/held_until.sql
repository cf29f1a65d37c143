-- exora.held_until: the time a held job is scheduled for: one that never comes, and that every client can still read.
create or replace function exora.held_until()
returns timestamptz language sql immutable security definer set search_path = '' as $$
  select timestamptz '9999-01-01 00:00:00+00'
$$;
