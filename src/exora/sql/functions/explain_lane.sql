-- exora.explain_lane: what stands before every job of a waiting job's lane: a pause, no worker that serves it, or none free.
create or replace function exora.explain_lane(p_job public.job_queue)
returns setof exora.job_fact language plpgsql stable security definer set search_path = '' as $$
declare
  v_lane exora.lanes;
  v_live record;
  v_serving record;
begin
  if p_job.status <> 'pending' then return; end if;
  select * into v_lane from exora.lanes l where l.lane = p_job.job_lane;
  if v_lane.paused_at is not null then
    return next row(20, 'lane_paused', format('lane %s has been paused since %s%s', p_job.job_lane,
                    exora.say_time(v_lane.paused_at), exora.say_act(v_lane.paused_by, v_lane.pause_reason)),
                    'Open it: exora lanes resume ' || p_job.job_lane)::exora.job_fact;
  end if;
  select count(*) as workers, (select max(seen_at) from exora.workers) as last_seen into v_live from exora.live_workers();
  select count(*) filter (where w.state = 'working') as working, count(*) as workers, coalesce(sum(w.slots), 0) as slots,
         coalesce(sum(w.active), 0) as active
    into v_serving from exora.live_workers(p_job.job_type, p_job.job_lane) w;
  if v_live.workers = 0 then
    return next row(30, 'no_worker', 'no worker lives' || coalesce(': the last was heard of '
                    || exora.say_span(clock_timestamp() - v_live.last_seen) || ' ago', ''), 'Start one: exora worker')::exora.job_fact;
  elsif v_serving.workers = 0 then
    return next row(30, 'no_worker', format('none of the %s live worker(s) serves %s in lane %s', v_live.workers, p_job.job_type,
                    p_job.job_lane), 'Start one that has a handler for it and serves the lane: exora worker --lane '
                    || p_job.job_lane)::exora.job_fact;
  elsif v_serving.working = 0 then
    return next row(30, 'draining', format('each of the %s worker(s) that serve it is shutting down', v_serving.workers),
                    'Start another: exora worker')::exora.job_fact;
  elsif v_serving.active >= v_serving.slots then
    return next row(60, 'slots_full', format('all %s slots of the %s worker(s) that serve it are busy', v_serving.slots,
                    v_serving.workers), 'Start another worker, or raise WORKER_CONCURRENCY')::exora.job_fact;
  end if;
end $$;
