-- public.get_record_v3: the record of a job's document, and the reading of it in the audit.
create or replace function public.get_record_v3(p_job_id uuid)
returns table (document_id uuid, patient_id uuid, record jsonb, media_type text, stored_at timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
declare v_job exora.jobs;
begin
  select * into v_job from exora.jobs j where j.id = exora.job_number(p_job_id) and exora.job_uuid(j.id, j.created_at) = p_job_id;
  if not found then
    perform exora.refuse('PT404', 'no job of this id', 'p_job_id', 'See: exora jobs list');
  end if;
  return query
  select d.id, r.patient_id, r.record, d.media_type, r.stored_at
    from exora.records r join exora.documents d on d.id = r.document_id where r.job = v_job.id;
  if not found then
    perform exora.refuse('PT404', 'this job has no record yet', 'p_job_id', 'See why: exora jobs show JOB');
  end if;
  insert into exora.audit_events (event, job, patient_id, document_id, correlation_id)
  values ('record_read', v_job.id, v_job.patient_id, v_job.shell_file_id, v_job.correlation_id);
end $$;
