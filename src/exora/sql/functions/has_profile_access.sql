-- public.has_profile_access: whether the signed-in user may see this patient. Granted to users: row level security asks it
-- for every row. Who is asked about is always the caller: nobody learns about others.
create or replace function public.has_profile_access(p_patient_id uuid)
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from exora.patient_access a where a.patient_id = p_patient_id and a.user_id = exora.current_user_id())
$$;
