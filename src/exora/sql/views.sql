-- public.job_queue: every job under the original's column names, then ours. Readable by service_role.
-- A job that is nowhere else is ready, so the narrow ready table need not be probed.
create or replace view public.job_queue with (security_invoker = true) as
select exora.job_uuid(j.id, j.created_at) as id, j.job_type, j.lane as job_lane, j.category as job_category, j.name as job_name,
       j.payload as job_payload,
       case when r.job is not null then 'processing'
            when d.job is not null then 'failed'
            when a.job is not null then a.status
            else 'pending' end as status,
       j.priority,
       coalesce(s.due_at, j.scheduled_at) as scheduled_at,
       coalesce(r.started_at, a.started_at, d.started_at) as started_at,
       a.finished_at as completed_at,
       coalesce(r.heartbeat_at, a.heartbeat_at) as heartbeat_at,
       coalesce(r.worker_id, a.worker_id, d.worker_id) as worker_id,
       coalesce(r.retry_count, a.retry_count, d.retry_count, s.retry_count, f.retries, 0)::int as retry_count,
       j.max_retries::int as max_retries,
       e.summary as last_error,
       case when e.code is not null then
         jsonb_build_object('class', e.error_class, 'code', e.code, 'attempt', e.attempt,
                            'fingerprint', e.fingerprint, 'at', e.at) end as error_details,
       d.dead_letter_at,
       a.result as job_result,
       a.finished_at - a.started_at as actual_duration,
       j.patient_id, j.shell_file_id, j.created_at,
       coalesce(a.finished_at, d.dead_letter_at, r.heartbeat_at, e.at, j.created_at) as updated_at,
       coalesce(r.attempt, a.attempt, d.attempt, s.attempt, f.attempts, 0)::int as attempt,
       coalesce(r.crash_count, a.crash_count, d.crash_count, s.crash_count, f.crashes, 0)::int as crash_count,
       j.correlation_id, r.lease_expires_at, j.idempotency_key, d.cause as dead_letter_cause, j.notes,
       j.id as number
  from exora.jobs j
  left join exora.running r on r.job = j.id
  left join exora.scheduled s on s.job = j.id
  left join exora.dead_letters d on d.job = j.id
  -- No job ends before it was asked for, whatever the server's clock does within a day: the days before are passed over. The
  -- limit keeps the probe a probe, for only then the bound is known when it chooses among the days.
  left join lateral (
    select x.* from exora.job_archive x
     where x.job = j.id and x.finished_at >= j.created_at - interval '1 day' limit 1) a on true
  left join lateral (
    select x.* from exora.job_errors x where x.job = j.id order by x.at desc limit 1) e on true
  left join lateral (
    select count(*) filter (where x.kind = 'retry') as retries,
           count(*) filter (where x.kind = 'crash') as crashes, max(x.attempt) as attempts
      from exora.job_errors x where x.job = j.id and r.job is null and a.job is null) f on true;
comment on view public.job_queue is 
  'All jobs, live and finished, under the original column names. For look-ups by id: a filter on status or times reads all.';

-- public.documents, public.records: what a signed-in user sees through PostgREST, by the policies on the tables under them.
create or replace view public.documents with (security_invoker = true) as
select d.id, d.patient_id, d.storage_path, d.sha256, d.size_bytes, d.media_type, d.created_at from exora.documents d;
comment on view public.documents is 'Documents of the patients the signed-in user has access to.';

create or replace view public.records with (security_invoker = true) as
select r.document_id, r.patient_id, r.stored_at from exora.records r;
comment on view public.records is 'Which documents have a record; get_record_v3 reads it, and notes the reading.';
