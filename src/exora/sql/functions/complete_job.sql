-- public.complete_job: the original's completion, fenced by worker id and current state. False: fenced off.
create or replace function public.complete_job(p_job_id uuid, p_worker_id text, p_job_result jsonb default null)
returns boolean language plpgsql security definer set search_path = '' as $$
declare v_claim record;
begin
  select job, attempt, claim_token into v_claim from exora.running
   where job = exora.job_number(p_job_id) and worker_id = p_worker_id;
  if not found then return false; end if;
  return not exists (select from public.settle_jobs_v3(
    array[v_claim.job], array[v_claim.attempt], array[v_claim.claim_token], array['completed'], array[p_job_result]));
end $$;
