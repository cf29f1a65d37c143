-- public.register_patient_v3: make a patient known by an opaque id. False: it was known already.
create or replace function public.register_patient_v3(p_patient_id uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  insert into exora.patients (id) values (p_patient_id) on conflict do nothing;
  if found then
    insert into exora.audit_events (event, patient_id, correlation_id)
    values ('patient_registered', p_patient_id, p_patient_id);
    return true;
  end if;
  return false;
end $$;
