-- exora.own_path: whether a payload's storage path, if it has one, lies in its own patient's folder, with no way out.
-- Inlined.
create or replace function exora.own_path(p_payload jsonb)
returns boolean language sql immutable parallel safe as $$
  select not p_payload operator(pg_catalog.?) 'storage_path'
      or coalesce(pg_catalog.length(p_payload ->> 'storage_path') <= 512
                  and pg_catalog.starts_with(p_payload ->> 'storage_path', pg_catalog.lower(p_payload ->> 'patient_id') || '/')
                  and p_payload ->> 'storage_path' !~ '(^|/)\.{1,2}(/|$)|[[:cntrl:]]|\\|//', false)
$$;
