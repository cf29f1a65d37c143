-- exora.create_object: store bytes under a new path of the embedded storage. False: something is stored there already.
create or replace function exora.create_object(p_path text, p_content bytea)
returns boolean language plpgsql volatile security definer set search_path = '' as $$
begin
  insert into exora.objects (path, content) values (p_path, p_content) on conflict do nothing;
  return found;
end $$;
