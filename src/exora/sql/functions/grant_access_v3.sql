-- public.grant_access_v3: let a user see a patient's documents and records. False: the user could already.
create or replace function public.grant_access_v3(p_user_id uuid, p_patient_id uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_column text;
  v_rule text;
begin
  perform from exora.patients p where p.id = p_patient_id;
  if not found then
    perform exora.refuse('PT400', 'no patient of this id is registered', 'p_patient_id',
                         'Register the patient first: exora patients add UUID');
  end if;
  insert into exora.patient_access (user_id, patient_id) values (p_user_id, p_patient_id) on conflict do nothing;
  if not found then
    return false;
  end if;
  insert into exora.audit_events (event, patient_id, correlation_id, detail)
  values ('access_granted', p_patient_id, p_patient_id, jsonb_build_object('user_id', p_user_id));
  return true;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics v_column = column_name, v_rule = constraint_name;
    perform exora.refuse_value(v_column, v_rule);
end $$;
