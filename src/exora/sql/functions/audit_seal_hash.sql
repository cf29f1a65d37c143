-- exora.audit_seal_hash: what a seal's hash is to be: SHA-256 over the hash before it, a JSON array of its other
-- columns, and the digests of its events.
create or replace function exora.audit_seal_hash(p_seal exora.audit_seals)
returns bytea language sql stable security definer set search_path = '' as $$
  select sha256(p_seal.prev_hash || convert_to(json_build_array(
    'exora.seal/1', p_seal.chain, p_seal.seq, p_seal.run, p_seal.floor_id, p_seal.from_xid, p_seal.from_id,
    p_seal.to_xid, p_seal.to_id, extract(epoch from p_seal.sealed_at), p_seal.events,
    array_to_string(p_seal.ids, ','))::text, 'UTF8') || p_seal.digests)
$$;
