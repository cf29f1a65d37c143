-- public.sync_api_capacity_v3: one worker's block of one API, settled and renewed in one call. The worker says what it
-- holds (calls under way and units it keeps), what has reached the provider since its last sync, and what it would like
-- to have besides; the answer is what it may spend besides, within valid_ms, and how many calls it may have under way.
--
-- p_seq rises with every call: repeating one whose answer was lost gives the same answer. Under want, units are dealt out
-- in equal shares of what is free among the workers that are hungry, as they ask; a worker whose first waiter needs more
-- tokens than its share (p_least_tokens) gets them whole, the most urgent first: the others leave them untouched.
-- A block that is not renewed lapses: its units after sent_by, its concurrency after the lease.
create or replace function public.sync_api_capacity_v3(
  p_provider_name text, p_api_endpoint text, p_holder text, p_seq bigint, p_profile text default '',
  p_requests int default 0, p_tokens bigint default 0, p_cost_usd double precision default 0, p_in_flight int default 0,
  p_want_requests int default 0, p_want_tokens bigint default 0, p_want_cost_usd double precision default 0,
  p_want_slots int default 0, p_least_tokens bigint default 0, p_waiting int default 0, p_urgency real default 0,
  p_ages_ms int[] default '{}', p_used_requests int[] default '{}', p_used_tokens bigint[] default '{}',
  p_used_cost_usd double precision default 0, p_succeeded int default 0, p_failed int default 0,
  p_valid_s real default 2, p_lease_s real default 15)
returns table (requests int, tokens bigint, cost_usd double precision, slots int, valid_ms int, closed_ms bigint, reason text,
               retry_after_ms int)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_api record := exora.lock_api(p_provider_name, p_api_endpoint);
  v_limits exora.api_rate_limits := v_api.limits;
  v_state exora.api_state := v_api.state;
  v_now timestamptz := clock_timestamp();
  v_was exora.api_holders;
  v_free record;
  v_hungry int;
  v_rival record;
  v_requests int := 0;
  v_tokens bigint := 0;
  v_microusd bigint := 0;
  v_slots int;
  v_left bigint;
  v_share bigint;
begin
  if p_holder is null or p_seq is null then
    perform exora.refuse('PT400', 'a block needs a holder and a sequence number', 'p_holder', 'Use one holder per process');
  end if;
  if num_nulls(p_profile, p_requests, p_tokens, p_cost_usd, p_in_flight, p_want_requests, p_want_tokens, p_want_cost_usd,
               p_want_slots, p_least_tokens, p_waiting, p_urgency, p_used_cost_usd, p_succeeded, p_failed, p_valid_s,
               p_lease_s) > 0 then
    perform exora.refuse('PT400', 'what a block holds and wants are numbers', 'p_holder', 'Leave out what has a default; send no null');
  end if;
  if cardinality(p_ages_ms) is distinct from cardinality(p_used_requests)
     or cardinality(p_ages_ms) is distinct from cardinality(p_used_tokens)
     or coalesce(array_position(p_ages_ms, null), array_position(p_used_requests, null),
                 array_position(p_used_tokens, null)) is not null then
    perform exora.refuse('PT400', 'what was used is told by age, requests and tokens, one of each for each call', 'p_ages_ms',
                         'Send three arrays of one length, without nulls');
  end if;
  select * into v_was from exora.api_holders h
   where h.api = v_limits.api and h.profile = p_profile and h.holder = p_holder;
  if v_was.seq >= p_seq then
    requests := v_was.got_requests; tokens := v_was.got_tokens; cost_usd := v_was.got_microusd / 1000000.0;
    slots := v_was.allotted;
    if v_was.seq > p_seq then  -- overtaken by a later one
      requests := 0; tokens := 0; cost_usd := 0;
    end if;
    valid_ms := greatest(date_part('epoch', v_was.sent_by - v_now) * 1000 - 1000, 0);
    return next;
    return;
  end if;

  if cardinality(p_ages_ms) > 0 then
    perform exora.note_usage(
      v_limits.api, p_profile,
      array(select v_now - make_interval(secs => greatest(a.ms, 0) / 1000.0)
              from unnest(p_ages_ms) with ordinality as a (ms, place) order by a.place),
      p_used_requests, p_used_tokens, (p_used_cost_usd * 1000000)::bigint);
  end if;
  if p_failed > 0 or (p_succeeded > 0 and (v_state.failed > 0 or v_state.closed_kind = 'down')) then
    perform exora.count_outcomes(v_state, p_succeeded, p_failed, v_now);
    select * into v_state from exora.api_state s where s.api = v_limits.api;
  end if;

  v_free := exora.api_free(v_limits, v_state, p_profile, p_holder, p_least_tokens,
                           (p_want_cost_usd * 1000000 / greatest(p_want_requests, 1))::bigint, v_now, p_requests, p_tokens, p_in_flight,
                           (p_cost_usd * 1000000)::bigint);
  select count(*) as workers, count(*) filter (where h.urgency > p_urgency) as before, coalesce(max(h.urgency), 0) as urgency,
         (array_agg(h.least_tokens order by h.urgency desc))[1] as tokens
    into v_rival
    from exora.api_holders h
   where h.api = v_limits.api and h.hungry and h.synced_at > v_now - interval '2 s' and h.holder <> p_holder;
  v_hungry := v_rival.workers + 1;

  if greatest(p_want_requests, p_want_tokens, p_want_cost_usd) > 0 then
    v_left := coalesce(v_free.tokens, p_want_tokens);
    v_share := case when v_free.tokens is null then v_left else ceil(v_left::numeric / v_hungry) end;
    if v_rival.urgency > p_urgency and v_free.tokens is not null then
      v_left := v_left - v_rival.tokens;
    end if;
    v_tokens := greatest(least(p_want_tokens, greatest(v_share, p_least_tokens), v_left), 0);
    v_left := coalesce(v_free.requests, p_want_requests);
    v_requests := greatest(least(p_want_requests, case when v_free.requests is null then v_left
                                                       else ceil(v_left::numeric / v_hungry) end), 0);
    v_left := coalesce(v_free.microusd, p_want_cost_usd * 1000000);
    v_microusd := greatest(least(p_want_cost_usd * 1000000, case when v_free.microusd is null then v_left
                                                                 else ceil(v_left::numeric / v_hungry) end), 0);
    if v_tokens < p_least_tokens or v_requests + p_requests - p_in_flight = 0 then  -- of no use to the first who waits
      v_requests := 0;
      v_tokens := 0;
      v_microusd := 0;
    end if;
  end if;
  -- Slots stay with a worker while it uses them; when others are hungry, it shrinks to its share. What cannot be shared
  -- evenly goes to the most urgent, so that it goes round.
  v_slots := greatest(least(p_want_slots, p_in_flight + v_free.slots, case when v_hungry > 1 and v_limits.concurrent_requests is not null
                             then v_limits.concurrent_requests / v_hungry
                                  + (v_rival.before < v_limits.concurrent_requests % v_hungry)::int end), 0);
  if v_limits.status <> 'active' or v_state.closed_until > v_now then
    v_slots := p_in_flight;
  elsif v_state.closed_kind = 'down' then
    v_slots := least(v_slots, greatest(v_free.requests, 0));
  end if;

  insert into exora.api_holders as h (api, profile, holder, seq, requests, tokens, microusd, slots, waiting, hungry, urgency,
    least_tokens, got_requests, got_tokens, got_microusd, allotted, synced_at, sent_by, lease_expires_at)
  values (v_limits.api, p_profile, p_holder, p_seq, p_requests + v_requests, p_tokens + v_tokens,
          p_cost_usd * 1000000 + v_microusd, greatest(p_in_flight, v_slots), p_waiting,
          p_waiting > 0 and (v_requests < least(p_want_requests, p_waiting) or v_slots < p_want_slots), p_urgency,
          p_least_tokens, v_requests, v_tokens, v_microusd, v_slots, v_now,
          -- One second for what was sent in the last moment to arrive.
          v_now + make_interval(secs => p_valid_s + 1), v_now + make_interval(secs => p_lease_s))
  on conflict (api, profile, holder) do update
     set seq = excluded.seq, requests = excluded.requests, tokens = excluded.tokens, microusd = excluded.microusd,
         slots = excluded.slots, waiting = excluded.waiting, hungry = excluded.hungry, urgency = excluded.urgency,
         least_tokens = excluded.least_tokens, got_requests = excluded.got_requests, got_tokens = excluded.got_tokens,
         got_microusd = excluded.got_microusd, allotted = excluded.allotted, synced_at = excluded.synced_at,
         sent_by = excluded.sent_by, lease_expires_at = excluded.lease_expires_at;
  if v_limits.status = 'active' and coalesce(v_state.closed_until <= v_now, true) then
    perform exora.note_grant(v_limits, v_state, v_requests, v_free.requests - v_requests, v_free.tokens - v_tokens,
                             v_free.slots + p_in_flight - greatest(p_in_flight, v_slots), v_now);
  end if;

  requests := v_requests; tokens := v_tokens; cost_usd := v_microusd / 1000000.0; slots := v_slots;
  valid_ms := p_valid_s * 1000;
  closed_ms := case when v_limits.status <> 'active' or v_state.closed_until > v_now then v_free.retry_after_ms end;
  reason := v_free.reason;
  retry_after_ms := v_free.retry_after_ms;
  return next;
end $$;
