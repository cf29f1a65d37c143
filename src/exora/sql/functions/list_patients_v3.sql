-- public.list_patients_v3: registered patients, newest first, with the number of their documents.
create or replace function public.list_patients_v3(p_limit int default 100)
returns table (patient_id uuid, created_at timestamptz, documents bigint)
language sql stable security definer set search_path = '' as $$
  select p.id, p.created_at, (select count(*) from exora.documents d where d.patient_id = p.id)
    from exora.patients p order by p.created_at desc limit p_limit
$$;
