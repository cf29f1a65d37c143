-- exora.repeat_claim: the answer to a claim call that was made before: those of its jobs that still run under its token.
create or replace function exora.repeat_claim(p_claim_token uuid)
returns table (job_id uuid, job_type text, job_lane text, job_payload jsonb, retry_count int, attempt int,
               correlation_id uuid, priority int, max_retries int, heartbeat_s real, lease_s real, timeout_s real)
language sql stable security definer set search_path = '' as $$
  select exora.job_uuid(j.id, j.created_at), j.job_type, j.lane::text, j.payload, r.retry_count::int, r.attempt,
         j.correlation_id, j.priority::int, j.max_retries::int, t.heartbeat_s, t.lease_s, t.timeout_s
    from exora.claims c
    cross join lateral unnest(c.jobs) with ordinality as i (job, ordinal)
    join exora.running r on r.job = i.job and r.claim_token = p_claim_token
    join exora.jobs j on j.id = i.job
    join exora.job_types t on t.job_type = j.job_type
   where c.claim_token = p_claim_token
   order by i.ordinal
$$;
