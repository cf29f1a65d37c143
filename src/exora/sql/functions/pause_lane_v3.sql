-- public.pause_lane_v3: stop or resume claiming from a lane; its jobs wait, running ones go on. False: it was so already.
create or replace function public.pause_lane_v3(p_lane text, p_paused boolean default true)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  perform from exora.lanes where lane = p_lane;
  if not found then
    perform exora.refuse('PT404', 'no lane of this name', 'p_lane', 'See: exora lanes list');
  end if;
  update exora.lanes set paused_at = case when p_paused then clock_timestamp() end
   where lane = p_lane and (paused_at is not null) <> p_paused;
  if not found then return false; end if;
  insert into exora.audit_events (event, correlation_id, detail)
  values (case when p_paused then 'lane_paused' else 'lane_resumed' end, gen_random_uuid(), jsonb_build_object('lane', p_lane));
  if not p_paused and exists (select from exora.idle_workers) then
    perform pg_notify('exora_jobs', '');
  end if;
  return true;
end $$;
