-- exora.lock_api: an API's limits and state, its state locked until the end of the transaction: counting and granting are
-- one step. The commit need not wait for the disk: a crash of the server forgets the last half second at most.
create or replace function exora.lock_api(
  p_provider_name text, p_api_endpoint text, out limits exora.api_rate_limits, out state exora.api_state)
language plpgsql security definer set search_path = '' as $$
begin
  select * into limits from exora.api_rate_limits l
   where l.provider_name = p_provider_name and l.api_endpoint = p_api_endpoint;
  if not found then
    perform exora.refuse('PT404', 'unknown provider or endpoint', 'p_api_endpoint', 'See: exora capacity show');
  end if;
  perform set_config('synchronous_commit', 'off', true);
  select * into state from exora.api_state s where s.api = limits.api for no key update;
  if not found then
    insert into exora.api_state (api) values (limits.api) on conflict do nothing;
    select * into state from exora.api_state s where s.api = limits.api for no key update;
  end if;
end $$;
