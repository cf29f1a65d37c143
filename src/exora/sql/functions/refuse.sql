-- exora.refuse: end the call with a typed error. The field goes to DETAIL, the remedy to HINT, as both
-- transports read them. p_field is echoed only where it is an identifier: a key could hold anything.
create or replace function exora.refuse(p_code text, p_message text, p_field text, p_remedy text)
returns void language plpgsql security definer set search_path = '' as $$
begin
  raise exception using errcode = p_code, message = p_message, hint = coalesce(p_remedy, ''),
    detail = case when p_field ~ '^[A-Za-z0-9_.\[\]]{1,80}$' then p_field else '(not an identifier)' end;
end $$;
