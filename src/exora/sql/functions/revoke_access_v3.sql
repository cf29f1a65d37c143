-- public.revoke_access_v3: take a user's access to a patient away. False: there was none.
create or replace function public.revoke_access_v3(p_user_id uuid, p_patient_id uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  delete from exora.patient_access where user_id = p_user_id and patient_id = p_patient_id;
  if not found then
    return false;
  end if;
  insert into exora.audit_events (event, patient_id, correlation_id, detail)
  values ('access_revoked', p_patient_id, p_patient_id, jsonb_build_object('user_id', p_user_id));
  return true;
end $$;
