-- exora.take_ready: move up to p_limit ready jobs to running, in order over all lanes asked for; answers
-- their numbers. First it looks, without locks, how many of the next p_limit fall to each lane, then
-- locks just so many per lane: a claim over four lanes must not lock four times what it takes.
create or replace function exora.take_ready(
  p_worker_id text, p_claim_token uuid, p_job_types text[], p_job_lanes text[], p_limit int)
returns bigint[] language plpgsql security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_jobs bigint[];
begin
  with lanes as (
    select l.lane from exora.lanes l
     where l.job_type = any (p_job_types) and (p_job_lanes is null or l.lane = any (p_job_lanes))
  ), shares as (
    select n.lane, count(*) as share
      from (select l.lane, r.sort_key from lanes l, lateral (
              select sort_key from exora.ready where lane = l.lane order by sort_key, job limit p_limit) r
             order by r.sort_key limit p_limit) n
     group by n.lane
  ), taken as (
    select r.ctid as place, r.sort_key
      from shares s, lateral (
        select ctid, sort_key from exora.ready where lane = s.lane order by sort_key, job
         limit s.share for update skip locked) r
  ), removed as (
    delete from exora.ready d where d.ctid = any (array(select place from taken))
    returning d.job, d.sort_key, d.attempt, d.retry_count, d.crash_count
  ), claimed as (
    insert into exora.running (job, attempt, claim_token, started_at, heartbeat_at, lease_expires_at, lease_s,
                               retry_count, crash_count, worker_id)
    select r.job, r.attempt + 1, p_claim_token, v_now, v_now, v_now + make_interval(secs => t.lease_s),
           t.lease_s, r.retry_count, r.crash_count, p_worker_id
      from removed r join exora.jobs j on j.id = r.job join exora.job_types t on t.job_type = j.job_type
    returning job, attempt
  ), audited as (
    insert into exora.audit_events (event, worker_id, job, attempt, correlation_id, patient_id, document_id)
    select 'job_claimed', p_worker_id, c.job, c.attempt, j.correlation_id, j.patient_id, j.shell_file_id
      from claimed c join exora.jobs j on j.id = c.job
  )
  select coalesce(array_agg(job order by sort_key, job), '{}') into v_jobs from removed;
  if v_jobs <> '{}' then
    insert into exora.claims (claim_token, claimed_at, worker_id, jobs)
    values (p_claim_token, v_now, p_worker_id, v_jobs);
  end if;
  return v_jobs;
end $$;
