-- exora.get_object: the bytes under a path of the embedded storage; null when there are none.
create or replace function exora.get_object(p_path text)
returns bytea language sql stable security definer set search_path = '' as $$
  select content from exora.objects where path = p_path
$$;
