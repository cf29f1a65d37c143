-- exora.remove_objects: take objects out of the embedded storage; returns the paths of those that were there.
create or replace function exora.remove_objects(p_paths text[])
returns setof text language sql volatile security definer set search_path = '' as $$
  delete from exora.objects where path = any (p_paths) returning path
$$;
