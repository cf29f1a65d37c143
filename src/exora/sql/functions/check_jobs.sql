-- exora.check_jobs: refuse a batch of enqueue requests at its first fault, naming the job and the field. One pass decides
-- whether there is any fault; only then is it looked for.
create or replace function exora.check_jobs(
  p_job_types text[], p_payloads jsonb[], p_categories text[], p_priorities int[], p_lanes text[],
  p_idempotency_keys text[], p_max_retries int[], p_concurrency_keys text[] default null, p_concurrency_limits int[] default null)
returns void language plpgsql stable security definer set search_path = ''
set plan_cache_mode = force_generic_plan set jit = off set enable_nestloop = off as $$
declare
  v_fault record;
  v_full text;
begin
  if exists (
    select from unnest(p_job_types, p_payloads, p_categories, p_priorities, p_lanes, p_idempotency_keys, p_max_retries,
                       p_concurrency_keys, p_concurrency_limits)
             as i (job_type, payload, category, priority, lane, idempotency_key, max_retries, concurrency_key, concurrency_limit)
      left join exora.job_types t on t.job_type = i.job_type
     where not coalesce(
       i.payload @@ t.payload_check and i.payload - t.payload_keys = '{}' and exora.own_path(i.payload) and exora.whole_ids(i.payload)
       and pg_column_size(i.payload) <= 8192
       and (i.priority is null or i.priority between 1 and 10)
       and (i.max_retries is null or i.max_retries between 0 and 100)
       and (i.category is null or i.category in ('critical', 'high_priority', 'standard', 'background', 'maintenance'))
       and (i.lane is null or i.lane = t.default_lane
            or exists (select from exora.lanes l where l.lane = i.lane and l.job_type = i.job_type))
       and (i.idempotency_key is null or i.idempotency_key ~ '^[A-Za-z0-9_.:-]{1,200}$')
       and (i.concurrency_key is null or i.concurrency_key ~ '^[A-Za-z0-9_.:-]{1,200}$')
       and (i.concurrency_limit is null or i.concurrency_limit between 1 and 1000 and i.concurrency_key is not null), false)) then
    select f.ordinal, f.field, f.message, f.remedy into v_fault
      from unnest(p_job_types, p_payloads, p_categories, p_priorities, p_lanes, p_idempotency_keys, p_max_retries,
                  p_concurrency_keys, p_concurrency_limits)
             with ordinality as i (job_type, payload, category, priority, lane, idempotency_key, max_retries, concurrency_key,
                                   concurrency_limit, ordinal)
      left join exora.job_types t on t.job_type = i.job_type
      left join exora.lanes l on l.lane = coalesce(i.lane, t.default_lane)
      cross join lateral (select exora.payload_fault(t.job_type, i.payload) as fault) p
      cross join lateral (values
        (1, 'job_type', 'unknown job type', 'See exora.job_types for those that exist', t.job_type is null),
        (2, 'lane', 'unknown lane, or a lane of another job type', 'See exora.lanes for the lanes of each type',
            l.job_type is distinct from t.job_type),
        (3, 'priority', 'priority must be a whole number from 1 (highest) to 10', 'Leave it out for 5',
            i.priority not between 1 and 10),
        (4, 'job_category', 'unknown category', 'Use critical, high_priority, standard, background or maintenance',
            i.category not in ('critical', 'high_priority', 'standard', 'background', 'maintenance')),
        (5, 'max_retries', 'max_retries must be a whole number from 0 to 100', 'Leave it out for the type''s default',
            i.max_retries not between 0 and 100),
        (6, 'idempotency_key', 'the idempotency key must be 1 to 200 of the characters A-Z a-z 0-9 _ . : -',
            'Use an id or a checksum', i.idempotency_key !~ '^[A-Za-z0-9_.:-]{1,200}$'),
        (7, 'concurrency_key', 'the concurrency key must be 1 to 200 of the characters A-Z a-z 0-9 _ . : -',
            'Use an id', i.concurrency_key !~ '^[A-Za-z0-9_.:-]{1,200}$'),
        (8, 'concurrency_limit', 'concurrency_limit must be a whole number from 1 to 1000, beside a concurrency key',
            'Leave it out for 1', i.concurrency_limit not between 1 and 1000
                                  or i.concurrency_limit is not null and i.concurrency_key is null),
        (9, p.fault ->> 'field', p.fault ->> 'message', p.fault ->> 'remedy', p.fault is not null),
        (10, 'job_payload', 'this payload is not valid', 'Send references only', true)
      ) as f0 (rank, field, message, remedy, wrong)
      cross join lateral (select i.ordinal, f0.field, f0.message, f0.remedy) f
     where f0.wrong and (f0.rank < 10 or not i.payload @@ t.payload_check)
     order by i.ordinal, f0.rank limit 1;
    perform exora.refuse('PT400', format('job %s: %s', v_fault.ordinal, v_fault.message), v_fault.field, v_fault.remedy);
  end if;

  if not exists (select from exora.lanes l where l.depth_limit is not null) then
    return;
  end if;
  -- Counting stops at the limit, and only lanes that have one are counted.
  select l.lane into v_full from exora.lanes l
   where l.depth_limit is not null
     and l.lane in (select coalesce(i.lane, t.default_lane)
                      from unnest(p_job_types, p_lanes) as i (job_type, lane) join exora.job_types t on t.job_type = i.job_type)
     and (select count(*) from (select from exora.ready r where r.lane = l.lane limit l.depth_limit) r)
         + cardinality(p_job_types) > l.depth_limit
   limit 1;
  if v_full is not null then
    perform exora.refuse('PT429', format('lane %s is at its depth limit', v_full), 'lane', 'Try again in a minute');
  end if;
end $$;
