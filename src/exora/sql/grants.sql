-- Who may call what: service_role the door; users the three functions and two views made for them; nobody else anything. Explicit in both directions, by name: Supabase's
-- default privileges grant new functions to anon and authenticated on old projects, and nothing to service_role on
-- new ones. Functions in schema exora are rooms: reached through the door, except the embedded storage.
do $$
declare
  v_function regprocedure;
  v_schema text;
  v_name text;
  v_table regclass;
  v_column name;
begin
  revoke all on schema exora from public, anon, authenticated;
  grant usage on schema exora to service_role;
  grant usage on schema exora to authenticated;  -- for the columns below: the views run with the caller's rights
  alter default privileges in schema exora revoke all on tables from public, anon, authenticated;
  alter default privileges in schema exora revoke all on functions from public, anon, authenticated;

  for v_function, v_schema, v_name in
    select p.oid, p.pronamespace::regnamespace::text, p.proname from pg_catalog.pg_proc p
     where p.pronamespace = 'exora'::regnamespace
        or (p.pronamespace = 'public'::regnamespace and p.proname = any ({{door}}))
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
    if v_schema = 'public' or v_name in ('put_object', 'get_object', 'job_uuid') then  -- job_uuid: for the view
      execute format('grant execute on function %s to service_role', v_function);
    end if;
    if v_schema = 'public' and v_name in ('has_profile_access', 'submit_document_v3', 'get_record_v3') then
      execute format('grant execute on function %s to authenticated', v_function);
    end if;
  end loop;

  for v_table in select c.oid from pg_catalog.pg_class c
                  where c.relnamespace = 'exora'::regnamespace and c.relkind in ('r', 'p', 'S', 'v')
  loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', v_table);
    -- A grant on a column outlives the revocation on its table.
    for v_column in select a.attname from pg_catalog.pg_attribute a
                     where a.attrelid = v_table and a.attacl is not null and not a.attisdropped loop
      execute format('revoke all (%I) on %s from public, anon, authenticated, service_role', v_column, v_table);
    end loop;
    perform exora.secure_table(v_table);
  end loop;
  revoke all on public.job_queue, public.documents, public.records from public, anon, authenticated, service_role;

  -- What users see: their own patients' documents, and that there is a record. Its content is read with get_record_v3,
  -- which notes the reading in the audit.
  grant select (id, patient_id, storage_path, sha256, size_bytes, media_type, created_at) on exora.documents to authenticated;
  grant select (document_id, patient_id, stored_at) on exora.records to authenticated;
  grant select on public.documents, public.records to authenticated;
  drop policy if exists users_read on exora.documents;
  create policy users_read on exora.documents for select to authenticated using (public.has_profile_access(patient_id));
  drop policy if exists users_read on exora.records;
  create policy users_read on exora.records for select to authenticated using (public.has_profile_access(patient_id));

  -- Reading the view needs the tables under it (security_invoker); writing goes through functions only.
  grant select on public.job_queue, exora.jobs, exora.running, exora.scheduled, exora.dead_letters,
    exora.job_archive, exora.job_errors to service_role;
end $$;
