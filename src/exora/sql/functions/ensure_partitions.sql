-- exora.ensure_partitions: make the archive's partitions for today and the three days to come. A day whose rows
-- have already fallen into the default partition stays there. Default privileges of the database may open new tables to
-- everybody (Supabase's did), so each partition is closed by name.
create or replace function exora.ensure_partitions()
returns int language plpgsql security definer set search_path = '' as $$
declare
  v_day date;
  v_made int := 0;
begin
  for v_day in select d::date from generate_series(
      (now() at time zone 'UTC')::date, (now() at time zone 'UTC')::date + 3, '1 day') d loop
    continue when to_regclass('exora.job_archive_' || to_char(v_day, 'YYYYMMDD')) is not null;
    continue when exists (select from exora.job_archive_default
                           where finished_at >= v_day::timestamp at time zone 'UTC'
                             and finished_at < (v_day + 1)::timestamp at time zone 'UTC');
    execute format('create table exora.%I partition of exora.job_archive for values from (%L) to (%L)',
      'job_archive_' || to_char(v_day, 'YYYYMMDD'),
      v_day::timestamp at time zone 'UTC', (v_day + 1)::timestamp at time zone 'UTC');
    execute format('revoke all on exora.%I from public, anon, authenticated, service_role',
      'job_archive_' || to_char(v_day, 'YYYYMMDD'));
    perform exora.secure_table(format('exora.%I', 'job_archive_' || to_char(v_day, 'YYYYMMDD'))::regclass);
    v_made := v_made + 1;
  end loop;
  return v_made;
end $$;
