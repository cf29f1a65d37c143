-- exora.payload_fault: the first thing wrong with a payload under its job type's schema, as
-- {field, message, remedy}; null when it is fine. Only keys that are identifiers are named (exora.refuse).
create or replace function exora.payload_fault(p_job_type text, p_payload jsonb)
returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare v_fault jsonb;
begin
  if jsonb_typeof(p_payload) is distinct from 'object' then
    return jsonb_build_object('field', 'job_payload', 'message', 'job_payload must be a JSON object',
                              'remedy', 'Send references only: ids, sizes, checksums, the storage path');
  end if;
  if octet_length(p_payload::text) > 8192 then
    return jsonb_build_object('field', 'job_payload', 'message', 'job_payload is over 8 KiB',
                              'remedy', 'Store the content and send its path');
  end if;
  select jsonb_build_object('field', 'job_payload.' || f.key, 'message', 'a required key is missing',
                            'remedy', 'Add it to job_payload')
    into v_fault
    from exora.payload_fields f
   where f.job_type = p_job_type and f.required and jsonb_typeof(p_payload -> f.key) is distinct from 'string'
   order by f.key limit 1;
  if v_fault is not null then return v_fault; end if;
  select jsonb_build_object('field', 'job_payload.' || e.key,
           'message', case when f.kind is null then 'this key is not in the payload schema of ' || p_job_type
                           else 'this value is not a valid ' || f.kind end,
           'remedy', case when f.kind is null then 'Payloads hold references only; remove the key'
                          when f.kind = 'storage_path' then 'The path must start with the patient''s own id and a slash'
                          else 'Correct the value' end)
    into v_fault
    from jsonb_each(p_payload) e
    left join exora.payload_fields f on f.job_type = p_job_type and f.key = e.key,
    lateral (select e.value #>> '{}' as v, jsonb_typeof(e.value) as t) x
   where f.kind is null
      or not case f.kind
        when 'dropped' then true
        when 'integer' then x.t = 'number' and x.v ~ '^-?[0-9]{1,18}$'
        when 'boolean' then x.t = 'boolean'
        when 'storage_path' then x.t = 'string' and x.v ~ exora.field_pattern('storage_path') and exora.own_path(p_payload)
        else x.t = 'string' and x.v ~ exora.field_pattern(f.kind) end
   order by e.key limit 1;
  return v_fault;
end $$;
