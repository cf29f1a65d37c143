-- public.seal_audit_v3: seal what can be sealed now, up to p_limit events (at most 50000); answers how many were. The
-- sweeper does it by itself; before an anchor is taken or the trail verified, call it until it answers less than
-- p_limit.
create or replace function public.seal_audit_v3(p_limit int default 10000)
returns int language plpgsql security definer set search_path = '' set lock_timeout = '5s' as $$
begin
  if p_limit is null or p_limit not between 1 and 50000 then
    perform exora.refuse('PT400', 'p_limit must be from 1 to 50000', 'p_limit', null);
  end if;
  return exora.seal_audit(p_limit);
end $$;
