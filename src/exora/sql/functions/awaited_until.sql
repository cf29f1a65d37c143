-- exora.awaited_until: the time a job that waits for others is scheduled for: one that never comes, before that of held ones.
create or replace function exora.awaited_until()
returns timestamptz language sql immutable security definer set search_path = '' as $$
  select timestamptz '9998-01-01 00:00:00+00'
$$;
