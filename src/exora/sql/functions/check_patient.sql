-- exora.check_patient: refuse a patient who is not registered.
create or replace function exora.check_patient(p_patient_id uuid, p_field text default 'p_patient_id')
returns void language plpgsql stable security definer set search_path = '' as $$
begin
  perform from exora.patients p where p.id = p_patient_id;
  if not found then
    perform exora.refuse('PT400', 'no patient of this id is registered', p_field,
                         'Register the patient first: exora patients add UUID');
  end if;
end $$;
