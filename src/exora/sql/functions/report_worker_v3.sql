-- public.report_worker_v3: a worker says that it lives, what it serves and what it has done since its last report.
-- p_report counts its reports: one that comes twice changes nothing. p_work: for each lane {lane, completed, retried, dead,
-- cancelled, pages, run_s, runs, waits}, as in exora.lane_minutes. p_used: what jobs used, as exora.note_work_usage takes it.
-- p_state: working, draining, or stopped, which takes it off.
create or replace function public.report_worker_v3(
  p_worker_id text, p_report bigint, p_started_at timestamptz, p_state text, p_job_types text[], p_lanes text[],
  p_slots int, p_active int, p_memory_bytes bigint, p_version text, p_work jsonb default '[]',
  p_used jsonb default '[]')
returns void language plpgsql security definer set search_path = '' set jit = off as $$
declare
  v_column text;
  v_rule text;
  v_now timestamptz := clock_timestamp();
  v_minute timestamptz := date_trunc('minute', v_now);
begin
  insert into exora.workers as w (worker_id, report, started_at, seen_at, state, job_types, lanes, slots, active,
                                  memory_bytes, version)
  values (p_worker_id, p_report, p_started_at, v_now, case p_state when 'stopped' then 'draining' else p_state end,
          p_job_types, p_lanes, p_slots, p_active, p_memory_bytes, left(p_version, 40))
  on conflict (worker_id) do update
     set report = excluded.report, seen_at = excluded.seen_at, state = excluded.state, active = excluded.active,
         memory_bytes = excluded.memory_bytes
   where w.report < excluded.report;
  if not found then return; end if;
  if p_state = 'stopped' then
    delete from exora.workers where worker_id = p_worker_id;
  end if;

  insert into exora.lane_minutes as m (minute, lane, completed, retried, dead, cancelled, run_s, runs, waits)
  select v_minute, l.lane, l.completed, l.retried, l.dead, l.cancelled, l.run_s, l.runs, l.waits
    from jsonb_to_recordset(p_work) as l (lane text, completed bigint, retried bigint, dead bigint, cancelled bigint,
                                          run_s double precision, runs bigint[], waits bigint[])
   order by l.lane
  on conflict (lane, minute) do update
     set completed = m.completed + excluded.completed, retried = m.retried + excluded.retried,
         dead = m.dead + excluded.dead, cancelled = m.cancelled + excluded.cancelled, run_s = m.run_s + excluded.run_s,
         runs = exora.add_counts(m.runs, excluded.runs), waits = exora.add_counts(m.waits, excluded.waits);

  insert into exora.usage_days as u (day, lane, completed, retried, dead, pages, run_s)
  select (v_now at time zone 'UTC')::date, l.lane, l.completed, l.retried, l.dead, coalesce(l.pages, 0), l.run_s
    from jsonb_to_recordset(p_work) as l (lane text, completed bigint, retried bigint, dead bigint, pages bigint,
                                          run_s double precision)
   order by l.lane
  on conflict (day, lane) do update
     set completed = u.completed + excluded.completed, retried = u.retried + excluded.retried, dead = u.dead + excluded.dead,
         pages = u.pages + excluded.pages, run_s = u.run_s + excluded.run_s;

  if p_used <> '[]' then
    perform exora.note_work_usage(p_used);
  end if;

  -- Once a minute somebody notes the depth, and forgets what is old.
  if pg_try_advisory_xact_lock(hashtextextended('exora.depth', 0))
     and not exists (select from exora.lane_minutes d where d.minute = v_minute and d.ready is not null) then
    insert into exora.lane_minutes as m (minute, lane, ready, running)
    select v_minute, s.lane, s.ready, s.running from public.queue_stats_v3() s order by s.lane
    on conflict (lane, minute) do update set ready = excluded.ready, running = excluded.running;
    perform exora.sum_minutes();
    delete from exora.lane_minutes where minute < v_now - interval '8 days';
    delete from exora.minutes where minute < v_now - interval '8 days';
    delete from exora.workers where seen_at < v_now - interval '1 day';
    perform exora.forget_usage();
  end if;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics v_column = column_name, v_rule = constraint_name;
    perform exora.refuse_value(v_column, v_rule);
end $$;
