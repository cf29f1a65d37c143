-- exora.verify_seals: what is wrong with the seals of runs p_from to p_to by themselves: a seal that its hash does not
-- fit, one that the next one does not continue, and seals missing between others.
create or replace function exora.verify_seals(p_from bigint, p_to bigint)
returns setof exora.audit_finding language sql stable security definer set search_path = '' as $$
  with own as (
    select s.chain, s.seq, s.run, s.sealed_at, s.prev_hash, s.events,
           s.hash = exora.audit_seal_hash(s) and length(s.digests) = 16 * s.events and cardinality(s.ids) = s.events as fits
      from exora.audit_seals s where s.run between p_from and p_to
  ), linked as (
    select o.*, before.seq as before_seq, coalesce(before.run, 0) as before_run, before.sealed_at as before_at,
           case when before.seq is null then decode(repeat('00', 32), 'hex') else before.hash end as before_hash
      from own o
      left join lateral (select b.seq, b.run, b.hash, b.sealed_at from exora.audit_seals b
                          where b.chain = o.chain and b.seq < o.seq order by b.seq desc limit 1) before on true
  ), found as (
    select 'seal_broken' as kind, chain, seq, sealed_at as at, 'its hash does not fit its columns' as detail,
           run - 1 as after_run, run + 1 as before_run
      from linked where not fits
    union all
    -- The later seal's own hash fits and covers prev_hash, so it is the earlier one that was replaced.
    select 'seal_broken', chain, seq - 1, before_at, 'the next seal does not continue it', before_run - 1, before_run + 1
      from linked where before_seq = seq - 1 and prev_hash <> before_hash and fits
    union all
    select 'seal_removed', chain, coalesce(before_seq, 0) + 1, sealed_at,
           format('%s seal(s) are gone before seal %s', seq - 1 - coalesce(before_seq, 0), seq), before_run, run
      from linked where seq - 1 > coalesce(before_seq, 0)
    union all
    select 'seal_broken', chain, seq, sealed_at, 'the first seal continues another chain', run - 1, run + 1
      from linked where seq = 1 and prev_hash <> before_hash and fits
  )
  select distinct on (kind, chain, seq) kind, chain::int, seq, null::bigint, null::bigint, at, detail, after_run, before_run
    from found
$$;
