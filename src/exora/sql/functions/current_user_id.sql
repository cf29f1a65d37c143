-- exora.current_user_id: the id of the signed-in user, as PostgREST passes the claims of the token on; null when there is
-- none. After a transaction the setting reads as '' rather than null.
create or replace function exora.current_user_id()
returns uuid language sql stable security definer set search_path = '' as $$
  select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
