-- exora.secure_table: row level security on a table, forced on its owner, too. The owner, whom the functions run as, and
-- service_role, for the view it may read, have a policy that lets all rows through: grants decide what they may do. Whoever
-- else is given a grant one day sees nothing until a policy says so. Only what is missing is done: it locks the table.
create or replace function exora.secure_table(p_table regclass)
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_owner name;
  v_kind "char";
  v_secured boolean;
begin
  select pg_get_userbyid(c.relowner), c.relkind, c.relrowsecurity and c.relforcerowsecurity into v_owner, v_kind, v_secured
    from pg_catalog.pg_class c where c.oid = p_table;
  if v_kind not in ('r', 'p') then
    return;
  end if;
  if not v_secured then
    execute format('alter table %s enable row level security, force row level security', p_table);
  end if;
  if not exists (select from pg_catalog.pg_policy p where p.polrelid = p_table and p.polname = 'owner_all'
                    and p.polroles = array[(select r.oid from pg_catalog.pg_roles r where r.rolname = v_owner)]) then
    execute format('drop policy if exists owner_all on %s', p_table);
    execute format('create policy owner_all on %s to %I using (true) with check (true)', p_table, v_owner);
  end if;
  if not exists (select from pg_catalog.pg_policy p where p.polrelid = p_table and p.polname = 'service_reads') then
    execute format('create policy service_reads on %s for select to service_role using (true)', p_table);
  end if;
end $$;
