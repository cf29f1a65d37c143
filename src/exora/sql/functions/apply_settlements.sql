-- exora.apply_settlements: write what became of jobs taken out of running: archive, dead letters, the
-- schedule or the ready table, their errors, and one audit event each.
create or replace function exora.apply_settlements(p_settled exora.settlement[])
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  insert into exora.job_archive (job, attempt, status, claim_token, started_at, finished_at, heartbeat_at, retry_count,
                                 crash_count, worker_id, result)
  select s.job, s.attempt, s.outcome, s.claim_token, s.started_at, v_now, s.heartbeat_at, s.retry_count, s.crash_count,
         s.worker_id, s.result
    from unnest(p_settled) s where s.outcome in ('completed', 'cancelled');

  insert into exora.dead_letters (job, dead_letter_at, attempt, retry_count, crash_count, started_at, worker_id, cause,
                                  fingerprint)
  select s.job, v_now, s.attempt, s.retry_count, s.crash_count, s.started_at, s.worker_id,
         case when s.reason in ('poison', 'exhausted') then s.reason else 'permanent' end,
         left(s.error ->> 'fingerprint', 64)
    from unnest(p_settled) s where s.outcome = 'dead';

  insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
  select s.job, v_now + make_interval(secs => s.delay_s), s.attempt,
         s.retry_count + (s.outcome = 'retry')::int, s.crash_count
    from unnest(p_settled) s where s.outcome in ('retry', 'snooze');

  perform exora.make_ready(array_agg(s.job), array_agg(s.attempt),
                           array_agg(s.retry_count::int), array_agg(s.crash_count::int))
     from unnest(p_settled) s where s.outcome = 'release' having count(*) > 0;

  insert into exora.job_errors (job, at, attempt, kind, error_class, code, summary, fingerprint)
  select s.job, v_now, s.attempt,
         case when s.error ->> 'code' = 'worker_lost' then 'crash' else s.outcome end,
         left(coalesce(s.error ->> 'class', 'unknown'), 120),
         left(coalesce(s.error ->> 'code', 'unknown'), 120),
         left(coalesce(s.error ->> 'summary', ''), 500),
         left(coalesce(s.error ->> 'fingerprint', ''), 64)
    from unnest(p_settled) s
   where s.outcome in ('retry', 'dead') or s.error ->> 'code' = 'worker_lost';

  insert into exora.audit_events (at, event, worker_id, job, attempt, correlation_id, patient_id, document_id, detail)
  select v_now,
         case s.outcome when 'completed' then 'job_completed' when 'cancelled' then 'job_cancelled'
              when 'dead' then 'job_dead_lettered' when 'retry' then 'job_retried' when 'snooze' then 'job_snoozed'
              else case when s.error ->> 'code' = 'worker_lost' then 'job_rescued' else 'job_released' end end,
         s.worker_id, s.job, s.attempt, j.correlation_id, j.patient_id, j.shell_file_id,
         nullif(jsonb_strip_nulls(jsonb_build_object(
           'code', s.error ->> 'code', 'reason', s.reason,
           'delay_ms', case when s.outcome in ('retry', 'snooze') then (s.delay_s * 1000)::bigint end)), '{}'::jsonb)
    from unnest(p_settled) s join exora.jobs j on j.id = s.job;
end $$;
