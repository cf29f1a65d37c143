-- public.put_step_v3: keep the result of a step so that it is never paid twice. The first one stays: a step is a
-- function of its key, 64 hexadecimal digits.
create or replace function public.put_step_v3(p_patient_id uuid, p_step_key text, p_result jsonb)
returns void language plpgsql security definer set search_path = '' as $$
begin
  -- The table's own refusal would quote the result.
  if p_step_key is null or p_step_key !~ '^[0-9a-f]{64}$' then
    perform exora.refuse('PT400', 'the key of a step must be 64 hexadecimal digits in small letters', 'p_step_key',
                         'Use the sha256 of what the step depends on');
  end if;
  if p_result is null then
    perform exora.refuse('PT400', 'a step without a result is none', 'p_result', 'Send a JSON value');
  end if;
  perform exora.check_patient(p_patient_id);
  insert into exora.steps (patient_id, step_key, result) values (p_patient_id, p_step_key, p_result) on conflict do nothing;
end $$;
