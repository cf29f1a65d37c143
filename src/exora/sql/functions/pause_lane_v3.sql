-- public.pause_lane_v3: stop or resume claiming from a lane; its jobs wait, running ones go on. p_by and p_why, codes, go to
-- the audit trail and, while it is paused, to the lane. False: it was so already.
create or replace function public.pause_lane_v3(
  p_lane text, p_paused boolean default true, p_by text default null, p_why text default null)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_detail jsonb := exora.act_detail(p_by, p_why, jsonb_build_object('lane', p_lane));
begin
  perform from exora.lanes where lane = p_lane;
  if not found then
    perform exora.refuse('PT404', 'no lane of this name', 'p_lane', 'See: exora lanes list');
  end if;
  update exora.lanes
     set paused_at = case when p_paused then clock_timestamp() end, paused_by = case when p_paused then p_by end,
         pause_reason = case when p_paused then p_why end
   where lane = p_lane and (paused_at is not null) <> p_paused;
  if not found then return false; end if;
  insert into exora.audit_events (event, correlation_id, detail)
  values (case when p_paused then 'lane_paused' else 'lane_resumed' end, gen_random_uuid(), v_detail);
  if not p_paused and exists (select from exora.idle_workers) then
    perform pg_notify('exora_jobs', '');
  end if;
  return true;
end $$;
