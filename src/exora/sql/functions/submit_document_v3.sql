-- public.submit_document_v3: note an uploaded document and enqueue its job, in one transaction. The same bytes of the
-- same patient are one document: submitting them again answers duplicate with the first ids, unless its job was cancelled
-- or is so long ago that retention has dropped it: then the document gets another. Signed-in users may call it for
-- the patients they have access to, with the defaults of the last three arguments: who goes first is not theirs to say.
create or replace function public.submit_document_v3(
  p_patient_id uuid, p_storage_path text, p_sha256 text, p_size_bytes bigint, p_media_type text,
  p_priority int default 5, p_job_lane text default null, p_scheduled_at timestamptz default null,
  out document_id uuid, out job_id uuid, out scheduled_at timestamptz, out outcome text, out reason text)
language plpgsql security definer set search_path = '' as $$
declare v_serves boolean := exora.serves();
begin
  if not v_serves and not public.has_profile_access(p_patient_id) then
    perform exora.refuse('PT403', 'this user has no access to this patient', 'p_patient_id', 'Ask for it: exora patients grant');
  end if;
  if not v_serves and (p_priority <> 5 or p_job_lane is not null or p_scheduled_at is not null) then
    perform exora.refuse('PT403', 'a user may not choose priority, lane or time', 'p_priority', 'Leave them out');
  end if;
  perform exora.check_patient(p_patient_id);
  perform exora.check_document(p_storage_path, p_sha256, p_size_bytes, p_media_type);
  insert into exora.documents as d (id, patient_id, storage_path, sha256, size_bytes, media_type)
  values (gen_random_uuid(), p_patient_id, p_storage_path, p_sha256, p_size_bytes, p_media_type)
  on conflict (patient_id, sha256) do nothing returning d.id into document_id;
  if not found then
    select d.id into document_id from exora.documents d where d.patient_id = p_patient_id and d.sha256 = p_sha256;
    update exora.jobs j set idempotency_key = null
     where j.job_type = 'shell_file_processing' and j.idempotency_key = 'document:' || document_id
       and exists (select from exora.job_archive a where a.job = j.id and a.status = 'cancelled');
    select exora.job_uuid(j.id, j.created_at), j.scheduled_at, 'duplicate', 'document' into job_id, scheduled_at, outcome, reason
      from exora.jobs j
     where j.job_type = 'shell_file_processing' and j.idempotency_key = 'document:' || document_id;
    if found then return; end if;
  end if;
  insert into exora.audit_events (event, patient_id, document_id, correlation_id, detail)
  values ('document_submitted', p_patient_id, document_id, document_id,
          case when not v_serves then jsonb_build_object('user_id', exora.current_user_id()) end);
  select e.job_id, e.scheduled_at, e.outcome, e.reason into job_id, scheduled_at, outcome, reason
    from public.enqueue_job_v3('shell_file_processing', 'Process document', jsonb_build_object(
           'patient_id', p_patient_id, 'shell_file_id', document_id, 'storage_path', p_storage_path,
           'mime_type', p_media_type, 'file_size_bytes', p_size_bytes, 'sha256', p_sha256,
           'correlation_id', document_id),
         'standard', p_priority, p_scheduled_at, p_job_lane, 'document:' || document_id) e;
end $$;
