-- public.audit_anchor_v3: the head of each chain. Kept outside of the database, it shows later whether even the
-- database's owner has rewritten what was sealed by then: give it to verify_audit_v3.
create or replace function public.audit_anchor_v3()
returns table (chain int, seq bigint, hash text, events bigint)
language sql stable security definer set search_path = '' as $$
  select h.chain::int, h.seq, encode(h.hash, 'hex'), h.events from exora.audit_heads h order by h.chain
$$;
