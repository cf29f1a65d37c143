-- public.enqueue_after_v3: enqueue a job that waits until other jobs are completed; with p_any_end, until they have ended
-- however. So a group's completion job is one that needs all of the group. Answers as enqueue_job_v3, outcome deferred with
-- reason dependencies; sweeps make it ready, within a second or so.
create or replace function public.enqueue_after_v3(
  job_type text, job_name text, job_payload jsonb, p_needs uuid[], p_any_end boolean default false,
  job_category text default 'standard', priority int default 5, p_job_lane text default null,
  p_idempotency_key text default null, p_max_retries int default null,
  out job_id uuid, out scheduled_at timestamptz, out outcome text, out reason text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_variable
declare
  v_needs bigint[] := array(select distinct exora.job_number(u) from unnest(p_needs) u);
begin
  if cardinality(v_needs) is null or cardinality(v_needs) not between 1 and 1000
     or exists (select from unnest(v_needs) n where not exists (select from exora.jobs j where j.id = n)) then
    perform exora.refuse('PT400', 'p_needs must be the ids of 1 to 1000 jobs', 'p_needs', 'Enqueue those first');
  end if;
  select e.job_id, e.scheduled_at, e.outcome, e.reason into job_id, scheduled_at, outcome, reason
    from public.enqueue_job_v3(job_type, job_name, job_payload, job_category, priority, exora.awaited_until(), p_job_lane,
                               p_idempotency_key, p_max_retries) e;
  if outcome <> 'duplicate' then
    insert into exora.dependencies (job, needs, any_end) select exora.job_number(job_id), n, p_any_end from unnest(v_needs) n;
    reason := 'dependencies';
  end if;
end $$;
