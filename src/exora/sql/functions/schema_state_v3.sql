-- public.schema_state_v3: the migrations applied, the checksum of the functions, the version that laid them and the oldest
-- one whose workers they serve, so that any client can tell whether this database serves it.
create or replace function public.schema_state_v3()
returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'code', c.checksum, 'version', c.version, 'serves', c.serves,
    'migrations', (select jsonb_agg(jsonb_build_object('version', version, 'checksum', checksum) order by version)
                     from exora.schema_migrations))
    from exora.schema_code c
$$;
