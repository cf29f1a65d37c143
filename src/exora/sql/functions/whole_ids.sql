-- exora.whole_ids: whether the ids of a payload, known to be of hexadecimal digits and hyphens (payload_check), have the
-- shape of a UUID, so that their cast cannot fail: it would not say which field is wrong, and not as PT400. Inlined.
create or replace function exora.whole_ids(p_payload jsonb)
returns boolean language sql immutable parallel safe as $$
  select coalesce(pg_catalog.length(pg_catalog.replace(p_payload ->> 'patient_id', '-', '')) = 32
                  and p_payload ->> 'patient_id' like '________-____-____-____-____________', true)
     and coalesce(pg_catalog.length(pg_catalog.replace(p_payload ->> 'shell_file_id', '-', '')) = 32
                  and p_payload ->> 'shell_file_id' like '________-____-____-____-____________', true)
     and coalesce(pg_catalog.length(pg_catalog.replace(p_payload ->> 'correlation_id', '-', '')) = 32
                  and p_payload ->> 'correlation_id' like '________-____-____-____-____________', true)
$$;
