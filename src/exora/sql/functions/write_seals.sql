-- exora.write_seals: seal the events from the end of the last run up to (p_xid, p_id), a seal for each chain that
-- has any, and move the heads. The caller holds the row of audit_progress.
create or replace function exora.write_seals(p_at exora.audit_progress, p_xid bigint, p_id bigint)
returns table (events int, highest_id bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  return query
  with batch as (
    select d.chain, count(*)::int as events, max(d.id) as highest_id, array_agg(d.id order by d.xid, d.id) as ids,
           string_agg(d.digest, ''::bytea order by d.xid, d.id) as digests
      from exora.audit_digests(p_at.floors[cardinality(p_at.floors)], 9223372036854775807,
                               p_at.horizon_xid, p_at.horizon_id, p_xid, p_id) d
     group by d.chain
  ), draft as (
    select row(h.chain, h.seq + 1, p_at.run + 1, p_at.floors[cardinality(p_at.floors)], p_at.sealed_xid, p_at.sealed_id,
               p_xid, p_id, statement_timestamp(), b.events, b.ids, b.digests, h.hash, ''::bytea)::exora.audit_seals as seal,
           b.highest_id
      from batch b join exora.audit_heads h on h.chain = b.chain
  ), sealed as (
    insert into exora.audit_seals
    select (d.seal).chain, (d.seal).seq, (d.seal).run, (d.seal).floor_id, (d.seal).from_xid, (d.seal).from_id,
           (d.seal).to_xid, (d.seal).to_id, (d.seal).sealed_at, (d.seal).events, (d.seal).ids, (d.seal).digests,
           (d.seal).prev_hash, exora.audit_seal_hash(d.seal)
      from draft d
    returning chain, seq, events, hash
  ), moved as (
    update exora.audit_heads h set seq = s.seq, events = h.events + s.events, hash = s.hash
      from sealed s where h.chain = s.chain
  )
  select coalesce(sum(b.events), 0)::int, coalesce(max(b.highest_id), 0) from batch b;
end $$;
