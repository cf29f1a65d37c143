-- public.get_step_v3: the stored result of a step of this patient, by content address; null when it was never done.
create or replace function public.get_step_v3(p_patient_id uuid, p_step_key text)
returns jsonb language sql stable security definer set search_path = '' as $$
  select result from exora.steps where patient_id = p_patient_id and step_key = p_step_key
$$;
