-- public.register_patient_v3: make a patient known by an opaque id. False: it was known already.
create or replace function public.register_patient_v3(p_patient_id uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_column text;
  v_rule text;
begin
  insert into exora.patients (id) values (p_patient_id) on conflict do nothing;
  if found then
    insert into exora.audit_events (event, patient_id, correlation_id)
    values ('patient_registered', p_patient_id, p_patient_id);
    return true;
  end if;
  return false;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics v_column = column_name, v_rule = constraint_name;
    perform exora.refuse_value(v_column, v_rule);
end $$;
