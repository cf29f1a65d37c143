-- exora.put_object: store bytes under a path in the embedded storage; storing the same path again is a no-op, since
-- paths are content addresses.
create or replace function exora.put_object(p_path text, p_content bytea)
returns void language sql volatile security definer set search_path = '' as $$
  insert into exora.objects (path, content) values (p_path, p_content) on conflict do nothing
$$;
