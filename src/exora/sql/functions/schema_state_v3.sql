-- public.schema_state_v3: the migrations applied and the checksum of the functions, so that a client over REST can tell
-- whether this database is at its version.
create or replace function public.schema_state_v3()
returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'code', (select checksum from exora.schema_code),
    'migrations', (select jsonb_agg(jsonb_build_object('version', version, 'checksum', checksum) order by version)
                     from exora.schema_migrations))
$$;
