-- Who may call what: service_role the door, nobody else anything. Explicit in both directions, by name: Supabase's
-- default privileges grant new functions to anon and authenticated on old projects, and nothing to service_role on
-- new ones. Functions in schema exora are rooms: reached through the door, except the embedded storage.
do $$
declare
  v_function regprocedure;
  v_schema text;
  v_name text;
  v_table regclass;
begin
  revoke all on schema exora from public, anon, authenticated;
  grant usage on schema exora to service_role;
  alter default privileges in schema exora revoke all on tables from public, anon, authenticated;
  alter default privileges in schema exora revoke all on functions from public, anon, authenticated;

  for v_function, v_schema, v_name in
    select p.oid, p.pronamespace::regnamespace::text, p.proname from pg_catalog.pg_proc p
     where p.pronamespace = 'exora'::regnamespace
        or (p.pronamespace = 'public'::regnamespace and p.proname = any ({{door}}))
  loop
    execute format('revoke all on function %s from public, anon, authenticated, service_role', v_function);
    if v_schema = 'public' or v_name in ('put_object', 'get_object') then
      execute format('grant execute on function %s to service_role', v_function);
    end if;
  end loop;

  for v_table in select c.oid from pg_catalog.pg_class c
                  where c.relnamespace = 'exora'::regnamespace and c.relkind in ('r', 'p', 'S', 'v')
  loop
    execute format('revoke all on %s from public, anon, authenticated, service_role', v_table);
  end loop;
  revoke all on public.job_queue from public, anon, authenticated, service_role;

  -- Reading the view needs the tables under it (security_invoker); writing goes through functions only.
  grant select on public.job_queue, exora.jobs, exora.running, exora.scheduled, exora.dead_letters,
    exora.job_archive, exora.job_errors to service_role;
end $$;
