-- public.whoami_v3: the role this call runs for; over REST the role of the key, so that a worker can prove at
-- start that it was not handed an anon key.
create or replace function public.whoami_v3()
returns text language sql stable set search_path = '' as $$ select current_user::text $$;
