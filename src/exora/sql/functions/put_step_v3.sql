-- public.put_step_v3: keep the result of a step so that it is never paid twice. The first one stays: a step is a
-- function of its key.
create or replace function public.put_step_v3(p_patient_id uuid, p_step_key text, p_result jsonb)
returns void language sql volatile security definer set search_path = '' as $$
  insert into exora.steps (patient_id, step_key, result) values (p_patient_id, p_step_key, p_result) on conflict do nothing
$$;
