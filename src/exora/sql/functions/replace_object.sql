-- exora.replace_object: store bytes under a path of the embedded storage, whatever is there. For the local gateway: the
-- worker never overwrites, since its paths are content addresses.
create or replace function exora.replace_object(p_path text, p_content bytea)
returns boolean language sql volatile security definer set search_path = '' as $$
  insert into exora.objects (path, content) values (p_path, p_content)
  on conflict (path) do update set content = excluded.content
  returning true
$$;
