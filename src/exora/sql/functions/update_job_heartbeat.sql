-- public.update_job_heartbeat: the original's heartbeat of one job, fenced by worker id. False: the claim is lost.
create or replace function public.update_job_heartbeat(p_job_id uuid, p_worker_id text)
returns boolean language plpgsql security definer set search_path = '' as $$
declare v_now timestamptz := clock_timestamp();
begin
  update exora.running
     set heartbeat_at = v_now, lease_expires_at = v_now + make_interval(secs => lease_s)
   where job = exora.job_number(p_job_id) and worker_id = p_worker_id;
  return found;
end $$;
