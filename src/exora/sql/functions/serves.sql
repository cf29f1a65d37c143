-- exora.serves: whether the caller is the service (or the owner) and not a user. The role that SET ROLE chose counts, else
-- the login; nothing that a claim says, since whoever can run SQL can set claims. Called by functions that users may call.
create or replace function exora.serves()
returns boolean language sql stable security definer set search_path = '' as $$
  select pg_has_role(c.name, 'service_role', 'member') or pg_has_role(c.name, current_user, 'member')
    from (select case when current_setting('role') = 'none' then session_user::name else current_setting('role')::name end) c (name)
$$;
