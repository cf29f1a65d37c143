-- public.sweep_v3: the periodic work, bounded by p_limit and done by one caller at a time (a transaction-level
-- advisory lock; others return at once): promote due jobs and those whose needs are met, rescue lapsed claims, forget old claim answers,
-- idle marks, floors and reservations, let go what retention has done with, keep archive partitions ahead, seal audit
-- events. mended: lanes whose floor was too high, now and then looked for; it is a defect if there is one.
create or replace function public.sweep_v3(p_limit int default 500)
returns jsonb language plpgsql security definer set search_path = '' set lock_timeout = '2s'
set enable_seqscan = off set jit = off as $$
declare
  v_hour_ago timestamptz := clock_timestamp() - interval '1 hour';  -- in a variable, that the index can be searched for it
  v_promoted int;
  v_rescued int;
  v_reservations int;
  v_forgotten int;
  v_mended int;
  v_sealed int;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('exora.sweep', 0)) then
    return jsonb_build_object('swept', false);
  end if;
  v_promoted := exora.promote_due(p_limit);
  v_rescued := exora.rescue_lapsed(p_limit);
  perform exora.release_dependents(p_limit);
  delete from exora.claims c where c.claim_token = any (array(
    select o.claim_token from exora.claims o where o.claimed_at < v_hour_ago
     order by o.claimed_at limit greatest(p_limit, 1000)));
  perform exora.prune_floors();
  v_mended := case when random() < 0.02 then exora.mend_floors() else 0 end;
  v_forgotten := exora.drop_expired(p_limit);
  delete from exora.idle_workers where since < clock_timestamp() - interval '1 minute';
  v_reservations := exora.sweep_capacity(p_limit);
  perform exora.ensure_partitions();
  begin
    v_sealed := exora.seal_audit(20000, '10 s');
  exception when lock_not_available then
    v_sealed := 0;  -- an operator is sealing at this moment; what was rescued above must stay rescued
  end;
  return jsonb_build_object('swept', true, 'promoted', v_promoted, 'rescued', v_rescued,
                            'reservations_forgotten', v_reservations, 'forgotten', v_forgotten, 'mended', v_mended,
                            'sealed', v_sealed);
end $$;
