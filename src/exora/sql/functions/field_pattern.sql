-- exora.field_pattern: the regular expression of a kind of payload field that is a string. Lengths are bounded by the
-- payload's own, a path's beginning by exora.own_path: a bounded repetition costs twenty times as much as an open one.
create or replace function exora.field_pattern(p_kind text)
returns text language sql immutable set search_path = '' as $$
  select case p_kind
    when 'uuid' then '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    when 'sha256' then '^[0-9a-f]{64}$'
    when 'code' then '^[A-Za-z0-9_.-]+$'
    when 'media_type' then '^[a-z]+/[a-z0-9.+-]+$'
    when 'timestamp' then '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{5,15}(Z|[+-][0-9:]{2,6})?)?$'
    when 'storage_path' then '^[0-9a-f-]+/[^/]' end
$$;
