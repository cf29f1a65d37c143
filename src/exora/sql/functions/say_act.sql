-- exora.say_act: who did something and why, as a tail of a sentence; empty when neither is known.
create or replace function exora.say_act(p_by text, p_why text)
returns text language sql immutable security definer set search_path = '' as $$
  select coalesce(' by ' || p_by, '') || coalesce(' (' || p_why || ')', '')
$$;
