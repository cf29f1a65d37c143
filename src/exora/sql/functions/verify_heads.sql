-- exora.verify_heads: what is wrong at the end of the chains: seals missing that the heads know, heads turned back or
-- changed. And, where p_heads is the anchor kept outside ([{chain, seq, hash}]), the seals it names that are gone or
-- are not the same.
create or replace function exora.verify_heads(p_heads jsonb)
returns setof exora.audit_finding language sql stable security definer set search_path = '' as $$
  with last as (
    select c.chain, h.seq as head, h.hash as head_hash, s.seq, s.run, s.hash, s.sealed_at
      from generate_series(0, 15) as c (chain)
      left join exora.audit_heads h on h.chain = c.chain
      left join lateral (select x.seq, x.run, x.hash, x.sealed_at from exora.audit_seals x
                          where x.chain = c.chain order by x.seq desc limit 1) s on true
  )
  select 'seals_truncated', chain, coalesce(seq, 0) + 1, null::bigint, null::bigint, sealed_at,
         format('%s seal(s) are gone from the end', head - coalesce(seq, 0)), coalesce(run, 0), null::bigint
    from last where head > coalesce(seq, 0)
  union all
  select 'seal_broken', chain, seq, null, null, sealed_at, 'the head of the chain does not name its last seal', run - 1, run + 1
    from last where head is null and seq is not null or head < coalesce(seq, 0) or head = seq and head_hash <> hash
  union all
  select 'anchor_broken', a.chain, a.seq, null, null, s.sealed_at,
         case when s.hash is null then 'the seal that the anchor names is gone'
              else 'this seal or one before it was rewritten after the anchor was taken' end, null, null
    from jsonb_to_recordset(coalesce(p_heads, '[]'::jsonb)) as a (chain int, seq bigint, hash text)
    left join exora.audit_seals s on s.chain = a.chain and s.seq = a.seq
   where a.seq > 0 and (s.hash is null or encode(s.hash, 'hex') is distinct from a.hash)
$$;
