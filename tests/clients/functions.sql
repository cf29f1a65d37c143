-- One function for every shape of an answer and every class of error in PostgREST's documentation.
create table public.contract_rows (id int primary key, name text not null);
insert into public.contract_rows values (1, 'one'), (2, 'two'), (3, 'three');
create function public.c_int() returns int language sql stable as 'select 7';
create function public.c_text() returns text language sql stable as $$ select 'seven "7"' $$;
create function public.c_bool() returns boolean language sql stable as 'select true';
create function public.c_null() returns text language sql stable as 'select null::text';
create function public.c_void() returns void language sql volatile as 'select 1';
create function public.c_uuid(p_id uuid) returns uuid language sql stable as 'select p_id';
create function public.c_jsonb(p_value jsonb) returns jsonb language sql stable as 'select p_value';
create function public.c_array(p_numbers int[], p_texts text[] default null) returns int[] language sql stable
  as 'select p_numbers || cardinality(p_texts)';
create function public.c_default(p_a int, p_b int default 10) returns int language sql stable as 'select p_a + p_b';
create function public.c_rows(p_up_to int) returns table (id int, name text) language sql stable
  as 'select r.id, r.name from public.contract_rows r where r.id <= p_up_to order by r.id';
create function public.c_setof() returns setof int language sql stable as 'select id from public.contract_rows order by id';
create function public.c_setof_table() returns setof public.contract_rows language sql stable
  as 'select * from public.contract_rows order by id';
create function public.c_one_column() returns table (id int) language sql stable as 'select 1';
create function public.c_out(out a int) language sql stable as 'select 1';
create function public.c_outs(out a int, out b text) language sql stable as $$ select 1, 'x'::text $$;
create function public.c_row() returns public.contract_rows language sql stable
  as 'select * from public.contract_rows where id = 1';
create function public.c_whoami() returns text language sql stable as 'select current_user::text';
create function public.c_claim(p_name text) returns text language sql stable
  as $$ select nullif(current_setting('request.jwt.claims', true), '')::json ->> p_name $$;
create function public.c_setting(p_name text) returns text language sql stable
  as $$ select nullif(current_setting(p_name, true), '') $$;
create function public.c_raise(p_state text) returns void language plpgsql volatile as $$
begin raise exception using errcode = p_state, message = 'refused', detail = 'why', hint = 'do this'; end $$;
create function public.c_duplicate() returns void language sql volatile
  as $$ insert into public.contract_rows values (1, 'again') $$;
create function public.c_writes_though_stable() returns void language plpgsql stable as $$
begin insert into public.contract_rows values (9, 'nine'); end $$;
create function public.c_over(p_a int) returns int language sql as 'select 1';
create function public.c_over(p_a text) returns int language sql as 'select 2';
create function public.c_closed() returns int language sql as 'select 1';
revoke execute on function public.c_closed() from public, anon, authenticated, service_role;
grant select on public.contract_rows to anon, authenticated, service_role;
grant insert on public.contract_rows to service_role;
notify pgrst, 'reload schema';
