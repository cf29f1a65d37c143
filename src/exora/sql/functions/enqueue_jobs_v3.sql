-- public.enqueue_jobs_v3: enqueue many jobs, column by column (null = all defaults). Answers one row per job, in order:
-- accepted, deferred (until scheduled_at, as asked for or because an API the type needs is under pressure: reason) or
-- duplicate (the first job's id). Bad input refuses the whole batch and names
-- the job and the field; a patient beyond the limits of usage refuses it, too (PT429).
create or replace function public.enqueue_jobs_v3(
  p_job_types text[], p_payloads jsonb[], p_names text[] default null, p_categories text[] default null,
  p_priorities int[] default null, p_scheduled_at timestamptz[] default null, p_lanes text[] default null,
  p_idempotency_keys text[] default null, p_max_retries int[] default null, p_concurrency_keys text[] default null,
  p_concurrency_limits int[] default null)
returns table (job_id uuid, scheduled_at timestamptz, outcome text, reason text)
language plpgsql security definer set search_path = '' set plan_cache_mode = force_generic_plan set jit = off as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_ids bigint[];
  v_new bigint[];
  v_due timestamptz[];
  v_pressed text[];
  v_untils timestamptz[];
  v_reasons text[];
begin
  perform exora.check_jobs(p_job_types, p_payloads, p_categories, p_priorities, p_lanes, p_idempotency_keys, p_max_retries,
                           p_concurrency_keys, p_concurrency_limits);

  select array_agg(b.job_type), array_agg(b.deferred_until), array_agg(b.reason) into v_pressed, v_untils, v_reasons
    from exora.backpressure_for_types(array(select distinct t from unnest(p_job_types) t)) b;
  if v_pressed is not null then
    select array_agg(coalesce(b.until, i.at) order by i.n), array_agg(b.reason order by i.n) into p_scheduled_at, v_reasons
      from unnest(p_job_types, p_scheduled_at) with ordinality as i (job_type, at, n)
      left join unnest(v_pressed, v_untils, v_reasons) as b (job_type, until, reason)
        on b.job_type = i.job_type and b.until > coalesce(i.at, v_now);
  end if;

  with draft as materialized (
    select i.*, nextval('exora.job_number') as id from (
      select i.ordinal, greatest(i.scheduled_at, v_now) as scheduled_at, coalesce(i.priority, 5)::smallint as priority,
             coalesce(i.max_retries::smallint, t.max_retries) as max_retries,
             (i.payload ->> 'patient_id')::uuid as patient_id, (i.payload ->> 'shell_file_id')::uuid as shell_file_id,
             (i.payload ->> 'correlation_id')::uuid as correlation_id, t.job_type,
             coalesce(i.lane, t.default_lane) as lane, coalesce(i.category, 'standard') as category,
             case when i.name is null then t.job_type else exora.job_label(i.name, t.job_type) end as name,
             case when t.dropped_keys = '{}' then i.payload else i.payload - t.dropped_keys end as payload,
             i.idempotency_key,
             case when i.payload ?| t.dropped_keys
                  then array(select k from unnest(t.dropped_keys) k where i.payload ? k) end as notes,
             i.concurrency_key, case when i.concurrency_key is not null then coalesce(i.concurrency_limit, 1)::smallint end as concurrency_limit
        from unnest(p_job_types, p_payloads, p_names, p_categories, p_priorities, p_scheduled_at, p_lanes,
                    p_idempotency_keys, p_max_retries, p_concurrency_keys, p_concurrency_limits)
               with ordinality as i (job_type, payload, name, category, priority, scheduled_at, lane, idempotency_key,
                                     max_retries, concurrency_key, concurrency_limit, ordinal)
        join exora.job_types t on t.job_type = i.job_type
       order by i.ordinal) i
  ), inserted as (
    insert into exora.jobs (id, created_at, scheduled_at, priority, max_retries, patient_id, shell_file_id,
                            correlation_id, job_type, lane, category, name, payload, idempotency_key, notes,
                            concurrency_key, concurrency_limit)
    select d.id, v_now, d.scheduled_at, d.priority, d.max_retries, d.patient_id, d.shell_file_id,
           coalesce(d.correlation_id, exora.job_uuid(d.id, v_now)), d.job_type, d.lane, d.category, d.name, d.payload,
           d.idempotency_key, d.notes, d.concurrency_key, d.concurrency_limit
      from draft d
    on conflict (job_type, idempotency_key) where idempotency_key is not null do nothing
    returning id, correlation_id, patient_id, shell_file_id, scheduled_at, lane, priority,
              concurrency_key, concurrency_limit
  ), audited as (
    insert into exora.audit_events (at, event, job, correlation_id, patient_id, document_id)
    select v_now, 'job_enqueued', id, correlation_id, patient_id, shell_file_id from inserted
  ), deferred as (
    insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
    select id, scheduled_at, 0, 0, 0 from inserted where scheduled_at > v_now
  ), due as (
    select coalesce(array_agg(id), '{}') as new, array_agg(id) filter (where scheduled_at <= v_now) as ids,
           array_agg(lane) filter (where scheduled_at <= v_now) as lanes,
           array_agg(priority) filter (where scheduled_at <= v_now) as priorities,
           array_agg(patient_id) filter (where scheduled_at <= v_now) as patients,
           array_agg(concurrency_key) filter (where scheduled_at <= v_now) as keys,
           array_agg(concurrency_limit) filter (where scheduled_at <= v_now) as limits
      from inserted
  ), readied as materialized (
    select exora.make_ready(ids, lanes, priorities, patients, null, null, null,
                            case when p_concurrency_keys is not null then keys end, limits)
      from due where ids is not null
  )
  select d.ids, d.due, n.new into v_ids, v_due, v_new
    from (select array_agg(id order by ordinal) as ids, array_agg(scheduled_at order by ordinal) as due from draft) d,
         due n left join readied on true;

  perform exora.count_enqueued(v_new);

  if cardinality(v_new) = cardinality(v_ids) then
    return query
    select exora.job_uuid(i.id, v_now), i.due, case when i.due > v_now then 'deferred' else 'accepted' end,
           case when i.due > v_now then coalesce(i.reason, 'scheduled') end
      from unnest(v_ids, v_due, v_reasons) as i (id, due, reason);
  else
    return query
    select * from exora.answer_duplicates(v_ids, v_new, p_job_types, p_payloads, p_idempotency_keys, v_now, v_reasons);
  end if;
end $$;
