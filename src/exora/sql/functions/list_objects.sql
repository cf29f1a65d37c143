-- exora.list_objects: one level of the embedded storage under a prefix that is empty or ends with a slash, by name.
-- A folder has no size.
create or replace function exora.list_objects(p_prefix text, p_limit int, p_offset int)
returns table (name text, size_bytes bigint, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select l.name, case when bool_or(l.folder) then null else max(l.bytes) end, min(l.created_at)
    from (select split_part(substr(o.path, length(p_prefix) + 1), '/', 1) as name,
                 position('/' in substr(o.path, length(p_prefix) + 1)) > 0 as folder,
                 length(o.content)::bigint as bytes, o.created_at
            from exora.objects o where starts_with(o.path, p_prefix)) l
   group by l.name order by l.name limit p_limit offset p_offset
$$;
