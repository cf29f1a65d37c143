-- exora.audit_digests: the events in the range (from, to] of (xid, id), with floor <= id < ceiling, each with its
-- chain and the digest of its canonical form, version 1: the JSON array below as UTF-8, of which the first 16 bytes
-- of SHA-256. JSON quotes, so that no two events have one form; the time is in seconds of UTC to the microsecond,
-- and depends on no setting. A set at a time: a function call per event would cost as much as the hashing.
-- Never by a sequential scan: the range is the newest sliver of a table that only grows.
create or replace function exora.audit_digests(
  p_floor bigint, p_ceiling bigint, p_from_xid bigint, p_from_id bigint, p_to_xid bigint, p_to_id bigint)
returns table (chain smallint, xid bigint, id bigint, at timestamptz, digest bytea)
language sql stable security definer set search_path = '' set enable_seqscan = off as $$
  select coalesce(e.job & 15, get_byte(uuid_send(e.correlation_id), 15) & 15)::smallint, e.xid, e.id, e.at,
         substring(sha256(convert_to(json_build_array(
           'exora.audit/1', e.id, e.xid, extract(epoch from e.at), e.event, e.actor, e.worker_id, e.job, e.attempt,
           e.document_id, e.patient_id, e.correlation_id, e.detail)::text, 'UTF8')) for 16)
    from exora.audit_events e
   where e.xid between p_from_xid and p_to_xid
     and (e.xid, e.id) > (p_from_xid, p_from_id) and (e.xid, e.id) <= (p_to_xid, p_to_id)
     and e.id >= p_floor and e.id < p_ceiling
$$;
