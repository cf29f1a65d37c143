-- public.get_record_v3: the record of a job's document, or of a document, and the reading of it in the audit. Users reach
-- the records of patients they have access to; of any other they hear what they would hear if there were none.
create or replace function public.get_record_v3(p_job_id uuid default null, p_document_id uuid default null)
returns table (document_id uuid, patient_id uuid, record jsonb, media_type text, stored_at timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_serves boolean := exora.serves();
  v_job bigint;
  v_patient uuid;
  v_correlation uuid;
begin
  select j.id, j.patient_id, j.correlation_id into v_job, v_patient, v_correlation
    from exora.jobs j where j.id = exora.job_number(p_job_id) and exora.job_uuid(j.id, j.created_at) = p_job_id;
  if not found then
    select r.job, r.patient_id, r.document_id into v_job, v_patient, v_correlation
      from exora.records r where r.document_id = p_document_id;
  end if;
  if not found or not (v_serves or public.has_profile_access(v_patient)) then
    perform exora.refuse('PT404', case when p_document_id is null then 'no job of this id' else 'no record of this document' end,
                         case when p_document_id is null then 'p_job_id' else 'p_document_id' end, 'See: exora jobs list');
  end if;
  return query
  select d.id, r.patient_id, r.record, d.media_type, r.stored_at
    from exora.records r join exora.documents d on d.id = r.document_id where r.job = v_job;
  if not found then
    perform exora.refuse('PT404', 'this job has no record yet', 'p_job_id', 'See why: exora jobs show JOB');
  end if;
  insert into exora.audit_events (event, job, patient_id, document_id, correlation_id, detail)
  select 'record_read', v_job, v_patient, r.document_id, v_correlation,
         case when not v_serves then jsonb_build_object('user_id', exora.current_user_id()) end
    from exora.records r where r.job = v_job;
end $$;
