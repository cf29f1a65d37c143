-- exora.check_jobs: refuse a batch of enqueue requests at its first fault, naming the job and the field.
create or replace function exora.check_jobs(p_jobs jsonb)
returns void language plpgsql stable security definer set search_path = '' as $$
declare v_fault record;
begin
  if jsonb_typeof(p_jobs) is distinct from 'array' then
    perform exora.refuse('PT400', 'p_jobs must be a JSON array of objects', 'p_jobs', 'Send one object per job');
  end if;
  select f.ordinal, f.field, f.message, f.remedy into v_fault
    from jsonb_array_elements(p_jobs) with ordinality as e (job, ordinal)
    left join exora.job_types t on t.job_type = e.job ->> 'job_type'
    left join exora.lanes l on l.lane = coalesce(e.job ->> 'lane', t.default_lane)
    cross join lateral (select exora.payload_fault(t.job_type, e.job -> 'job_payload') as fault) p
    cross join lateral (values
      (1, 'job_type', 'unknown job type', 'See exora.job_types for those that exist', t.job_type is null),
      (2, 'lane', 'unknown lane, or a lane of another job type', 'See exora.lanes for the lanes of each type',
          l.job_type is distinct from t.job_type),
      (3, 'priority', 'priority must be a whole number from 1 (highest) to 10', 'Leave it out for 5',
          coalesce(e.job ->> 'priority', '5') !~ '^([1-9]|10)$'),
      (4, 'job_category', 'unknown category', 'Use critical, high_priority, standard, background or maintenance',
          coalesce(e.job ->> 'job_category', 'standard')
            not in ('critical', 'high_priority', 'standard', 'background', 'maintenance')),
      (5, 'max_retries', 'max_retries must be a whole number from 0 to 100', 'Leave it out for the type''s default',
          coalesce(e.job ->> 'max_retries', '0') !~ '^([0-9]{1,2}|100)$'),
      (6, 'idempotency_key', 'the idempotency key must be 1 to 200 of the characters A-Z a-z 0-9 _ . : -',
          'Use an id or a checksum', coalesce(e.job ->> 'idempotency_key', 'x') !~ '^[A-Za-z0-9_.:-]{1,200}$'),
      (7, p.fault ->> 'field', p.fault ->> 'message', p.fault ->> 'remedy', p.fault is not null)
    ) as f0 (rank, field, message, remedy, wrong)
    cross join lateral (select e.ordinal, f0.field, f0.message, f0.remedy) f
   where f0.wrong
   order by e.ordinal, f0.rank limit 1;
  if found then
    perform exora.refuse('PT400', format('job %s: %s', v_fault.ordinal, v_fault.message),
                         v_fault.field, v_fault.remedy);
  end if;
end $$;
