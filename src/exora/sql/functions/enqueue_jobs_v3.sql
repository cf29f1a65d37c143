-- public.enqueue_jobs_v3: enqueue many jobs in one statement each way. p_jobs is an array of objects
-- {job_type, job_name, job_payload, job_category, priority, scheduled_at, lane, idempotency_key, max_retries}.
-- Answers one row per job, in order: accepted, deferred (until scheduled_at) or duplicate (the first
-- job's id). Bad input refuses the whole batch and names the job and the field.
create or replace function public.enqueue_jobs_v3(p_jobs jsonb)
returns table (ordinal int, job_id uuid, scheduled_at timestamptz, outcome text, reason text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_drafts exora.job_draft[];
  v_new bigint[];
  v_clash int;
begin
  perform exora.check_jobs(p_jobs);
  v_drafts := exora.draft_jobs(p_jobs, v_now);

  with inserted as (
    insert into exora.jobs (id, uuid, created_at, scheduled_at, priority, max_retries, patient_id, shell_file_id,
                            correlation_id, job_type, lane, category, name, payload, idempotency_key, notes)
    select d.id, d.uuid, v_now, d.scheduled_at, d.priority, d.max_retries, d.patient_id, d.shell_file_id,
           d.correlation_id, d.job_type, d.lane, d.category, d.name, d.payload, d.idempotency_key, d.notes
      from unnest(v_drafts) d
    on conflict (job_type, idempotency_key) where idempotency_key is not null do nothing
    returning id, correlation_id, patient_id, shell_file_id
  ), audited as (
    insert into exora.audit_events (event, job, correlation_id, patient_id, document_id)
    select 'job_enqueued', id, correlation_id, patient_id, shell_file_id from inserted
  )
  select coalesce(array_agg(id), '{}') into v_new from inserted;

  insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
  select d.id, d.scheduled_at, 0, 0, 0 from unnest(v_drafts) d
   where d.id = any (v_new) and d.scheduled_at > v_now;
  perform exora.make_ready(array_agg(d.id), array_agg(0), array_agg(0),
                           array_agg(0))
     from unnest(v_drafts) d where d.id = any (v_new) and d.scheduled_at <= v_now
   having count(*) > 0;

  -- A statement of its own: it must see a twin that another transaction has just committed.
  select d.ordinal into v_clash from unnest(v_drafts) d
    join exora.jobs j on j.job_type = d.job_type and j.idempotency_key = d.idempotency_key
   where d.id <> j.id and j.payload <> d.payload order by 1 limit 1;
  if v_clash is not null then
    perform exora.refuse('PT409', format('job %s: this idempotency key was used with another payload', v_clash),
                         'idempotency_key', 'Use a new key for new work');
  end if;
  return query
  select d.ordinal, j.uuid, j.scheduled_at,
         case when d.id <> j.id then 'duplicate' when j.scheduled_at > v_now then 'deferred' else 'accepted' end,
         case when d.id <> j.id then 'idempotency_key' when j.scheduled_at > v_now then 'scheduled' end
    from unnest(v_drafts) d
    join exora.jobs j on j.id = d.id
      or (not d.id = any (v_new) and j.job_type = d.job_type and j.idempotency_key = d.idempotency_key)
   order by d.ordinal;
end $$;
