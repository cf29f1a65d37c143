-- public.store_record_v3: store the record of a job's document, fenced: the write checks the claim, and holds it until
-- commit so that a rescue waits. EX001: the claim is stale and nothing is stored. A document that callers of
-- enqueue_job_v3 never submitted is noted here first.
create or replace function public.store_record_v3(
  p_job_id uuid, p_attempt int, p_claim_token uuid, p_record jsonb, p_sha256 text, p_size_bytes bigint,
  p_media_type text)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  v_job exora.jobs;
  v_document exora.documents;
begin
  perform from exora.running r
   where r.job = exora.job_number(p_job_id) and r.attempt = p_attempt and r.claim_token = p_claim_token for update;
  if not found then
    perform exora.refuse('EX001', 'the claim is stale; another worker owns the job', 'p_claim_token', 'Stop; store nothing');
  end if;
  select * into v_job from exora.jobs where id = exora.job_number(p_job_id);
  perform exora.check_patient(v_job.patient_id, 'patient_id');
  if v_job.shell_file_id is null or p_record is null then
    perform exora.refuse('PT400', 'this job has no document, or there is no record to store', 'p_record', 'Store records of documents');
  end if;
  perform exora.check_document(v_job.payload ->> 'storage_path', p_sha256, p_size_bytes, p_media_type);
  insert into exora.documents (id, patient_id, storage_path, sha256, size_bytes, media_type)
  values (v_job.shell_file_id, v_job.patient_id, v_job.payload ->> 'storage_path', p_sha256, p_size_bytes, p_media_type)
  on conflict do nothing;
  select * into v_document from exora.documents where id = v_job.shell_file_id;
  if v_document.patient_id is distinct from v_job.patient_id then
    perform exora.refuse('PT409', 'the document belongs to another patient, or its bytes are another document of this one',
                         'shell_file_id', 'Submit the document under its own patient, once');
  end if;
  if exists (select from exora.records r where r.document_id = v_document.id and r.job = v_job.id
                and r.attempt = p_attempt and r.record = p_record) then
    return v_document.id;  -- this very call, repeated
  end if;
  insert into exora.records as r (document_id, patient_id, job, attempt, record)
  values (v_document.id, v_job.patient_id, v_job.id, p_attempt, p_record)
  on conflict (document_id) do update
     set job = excluded.job, attempt = excluded.attempt, record = excluded.record,
         stored_at = clock_timestamp();
  insert into exora.audit_events (event, job, attempt, patient_id, document_id, correlation_id)
  values ('record_stored', v_job.id, p_attempt, v_job.patient_id, v_document.id, v_job.correlation_id);
  return v_document.id;
end $$;
