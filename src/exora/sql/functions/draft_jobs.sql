-- exora.draft_jobs: checked enqueue requests with their defaults, numbers and ids, payloads cleaned of
-- dropped keys. A draft becomes a job unless its idempotency key is taken.
create or replace function exora.draft_jobs(p_jobs jsonb, p_now timestamptz)
returns exora.job_draft[] language sql volatile security definer set search_path = '' as $$
  select coalesce(array_agg(row(
           d.ordinal, d.id, exora.job_uuid(d.id, p_now),
           greatest(coalesce((d.job ->> 'scheduled_at')::timestamptz, p_now), p_now),
           coalesce((d.job ->> 'priority')::smallint, 5),
           coalesce((d.job ->> 'max_retries')::smallint, t.max_retries),
           (d.job #>> '{job_payload,patient_id}')::uuid, (d.job #>> '{job_payload,shell_file_id}')::uuid,
           coalesce((d.job #>> '{job_payload,correlation_id}')::uuid, exora.job_uuid(d.id, p_now)),
           t.job_type, coalesce(d.job ->> 'lane', t.default_lane), coalesce(d.job ->> 'job_category', 'standard'),
           exora.job_label(d.job ->> 'job_name', t.job_type),
           (d.job -> 'job_payload') - x.dropped, d.job ->> 'idempotency_key', x.dropped
         )::exora.job_draft order by d.ordinal), '{}')
    from (select e.ordinal::int, e.job, nextval('exora.job_number') as id
            from jsonb_array_elements(p_jobs) with ordinality as e (job, ordinal)) d
    join exora.job_types t on t.job_type = d.job ->> 'job_type'
    cross join lateral (
      select coalesce(array_agg(f.key), '{}') as dropped from exora.payload_fields f
       where f.job_type = t.job_type and f.kind = 'dropped' and (d.job -> 'job_payload') ? f.key) x
$$;
