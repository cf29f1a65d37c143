-- public.reschedule_job: the original's retry. It carries neither worker nor token, so the state alone fences
-- it: only a job that is being processed moves. Null delay = exponential backoff; jitter adds up to a quarter.
create or replace function public.reschedule_job(
  p_job_id uuid, p_delay_seconds int default null, p_reason text default null, p_add_jitter boolean default true)
returns boolean language plpgsql security definer set search_path = '' as $$
declare v_claim record;
begin
  if p_delay_seconds < 0 then
    perform exora.refuse('PT400', 'p_delay_seconds must not be negative', 'p_delay_seconds', 'Leave it null for backoff');
  end if;
  select job, attempt, claim_token into v_claim from exora.running where job = exora.job_number(p_job_id);
  if not found then return false; end if;
  return not exists (select from public.settle_jobs_v3(
    array[v_claim.job], array[v_claim.attempt], array[v_claim.claim_token], array['retry'], null,
    array[p_delay_seconds * case when p_add_jitter then 1 + random() / 4 else 1 end], array[p_reason],
    array[jsonb_build_object('class', 'rescheduled', 'code', 'rescheduled',
            'summary', 'the worker asked for another try', 'fingerprint', 'rescheduled')]));
end $$;
