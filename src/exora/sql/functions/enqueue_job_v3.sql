-- public.enqueue_job_v3: enqueue one job. The first six argument names are the original's: callers use them.
--
-- A plain job (now, without keys, in a lane without a depth limit, no payload key to drop, no API under pressure, no limits of usage) takes a short way: the batch
-- function's set-based statements cost three times as much for one row. Whatever is not plain, or not valid, goes there.
create or replace function public.enqueue_job_v3(
  job_type text, job_name text, job_payload jsonb, job_category text default 'standard', priority int default 5,
  p_scheduled_at timestamptz default null, p_job_lane text default null, p_idempotency_key text default null,
  p_max_retries int default null, p_concurrency_key text default null, p_concurrency_limit int default null,
  out job_id uuid, out scheduled_at timestamptz, out outcome text, out reason text)
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_variable
declare
  v_now timestamptz := clock_timestamp();
  v_tag bigint := (date_part('epoch', v_now) * 1000000)::bigint;
  v_id bigint;
  v_lane text;
  v_patient uuid;
  v_correlation uuid;
  v_patient_tag bigint;
  v_retries int;
  v_floor bigint;
  v_waited_for boolean;
  v_low boolean;
begin
  if coalesce(p_scheduled_at, '-infinity') <= v_now and p_idempotency_key is null and p_concurrency_key is null
     and p_concurrency_limit is null then
    -- The tag is a subquery of the answer: the patient's id is not cast before the payload was found valid.
    select t.max_retries, l.lane,
           (select f.tag from exora.patient_flow f where f.patient_id = (job_payload ->> 'patient_id')::uuid),
           coalesce((select f.number from exora.lane_floors f where f.lane = l.lane order by f.number desc limit 1), 0)
      into v_retries, v_lane, v_patient_tag, v_floor
      from exora.job_types t
      join exora.lanes l on l.lane = coalesce(p_job_lane, t.default_lane) and l.job_type = t.job_type and l.depth_limit is null
     where t.job_type = job_type and job_payload @@ t.payload_check and job_payload - t.payload_keys = '{}'
       and not job_payload ?| t.dropped_keys and exora.own_path(job_payload) and exora.whole_ids(job_payload)
       and pg_column_size(job_payload) <= 8192
       and coalesce(priority, 5) between 1 and 10 and coalesce(p_max_retries, 0) between 0 and 100
       and coalesce(job_category, 'standard') in ('critical', 'high_priority', 'standard', 'background', 'maintenance')
       and pg_catalog.current_setting('transaction_isolation') = 'read committed'
       and not exists (select from exora.backpressure_for_types(array[job_type]))
       and not (select f.enabled from exora.features f where f.feature = 'usage_limits');
  end if;
  if v_lane is null then
    select e.job_id, e.scheduled_at, e.outcome, e.reason into job_id, scheduled_at, outcome, reason
      from public.enqueue_jobs_v3(array[job_type], array[job_payload], array[job_name], array[job_category], array[priority],
             array[p_scheduled_at], array[p_job_lane], array[p_idempotency_key], array[p_max_retries],
             case when p_concurrency_key is not null then array[p_concurrency_key] end,
             case when p_concurrency_limit is not null then array[p_concurrency_limit] end) e;
    return;
  end if;

  v_id := nextval('exora.job_number');
  v_patient := job_payload ->> 'patient_id';
  v_tag := greatest(v_tag, v_patient_tag);
  job_id := exora.job_uuid(v_id, v_now);
  v_correlation := coalesce((job_payload ->> 'correlation_id')::uuid, job_id);
  insert into exora.jobs (id, created_at, scheduled_at, priority, max_retries, patient_id, shell_file_id, correlation_id,
                          job_type, lane, category, name, payload)
  values (v_id, v_now, v_now, coalesce(priority, 5), coalesce(p_max_retries, v_retries), v_patient,
          (job_payload ->> 'shell_file_id')::uuid, v_correlation, job_type, v_lane, coalesce(job_category, 'standard'),
          case when job_name is null then job_type else exora.job_label(job_name, job_type) end, job_payload);
  insert into exora.audit_events (at, event, job, correlation_id, patient_id, document_id)
  values (v_now, 'job_enqueued', v_id, v_correlation, v_patient, (job_payload ->> 'shell_file_id')::uuid);
  if random() < 0.125 and v_patient is not null then  -- as exora.fair_keys does for few jobs
    insert into exora.patient_flow as f (patient_id, tag) values (v_patient, v_tag + 8000000)
    on conflict (patient_id) do update set tag = greatest(f.tag, v_tag) + 8000000;
  end if;
  v_tag := v_tag + (coalesce(priority, 5) - 1) * 60000000;  -- the sort key, as exora.make_ready computes it
  insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count) values (v_lane, v_tag, v_id, 0, 0, 0);
  -- As exora.break_floors does, unless there is something to do.
  perform pg_advisory_xact_lock_shared(hashtextextended('exora.floor ' || v_lane, v_floor));
  select exists (select from exora.idle_workers),
         coalesce((select f.number <> v_floor or v_tag < f.proposed from exora.lane_floors f
                    where f.lane = v_lane order by f.number desc limit 1), false)
    into v_waited_for, v_low;
  if v_low then
    perform exora.break_floors(array[v_lane], array[v_tag]);
  end if;
  if v_waited_for then
    perform pg_notify('exora_jobs', '');
  end if;
  scheduled_at := v_now;
  outcome := 'accepted';
end $$;
