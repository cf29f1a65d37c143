-- public.log_audit_event: record an access or an operator's action. Ids, counts and codes only.
create or replace function public.log_audit_event(
  p_event text, p_correlation_id uuid, p_job_id uuid default null, p_document_id uuid default null,
  p_patient_id uuid default null, p_worker_id text default null, p_detail jsonb default null)
returns bigint language plpgsql security definer set search_path = '' as $$
declare v_id bigint;
begin
  if p_event is null or p_event !~ '^[a-z][a-z0-9_]{0,62}$' then
    perform exora.refuse('PT400', 'an event must be a name of small letters, digits and _', 'p_event', 'Use up to 63 of them');
  end if;
  if p_correlation_id is null then
    perform exora.refuse('PT400', 'an event belongs to something', 'p_correlation_id', 'Send the correlation id of the job');
  end if;
  if not exora.safe_result(p_detail) then
    perform exora.refuse('PT400', 'an audit detail may hold only ids, counts and codes', 'p_detail', 'Never log content');
  end if;
  insert into exora.audit_events (event, job, document_id, patient_id, worker_id, correlation_id, detail)
  values (p_event, exora.job_number(p_job_id), p_document_id, p_patient_id, p_worker_id, p_correlation_id, p_detail)
  returning id into v_id;
  return v_id;
end $$;
