-- public.usage_limits_v3: what patients may use on a day, as {enforced, limits: [{patient_id, jobs_per_day, pages_per_day,
-- usd_per_day}]}: the first, without a patient, is for all that have none of their own; null = unlimited. To 10000 of them.
create or replace function public.usage_limits_v3()
returns jsonb language sql stable security definer set search_path = '' as $$
  select jsonb_build_object(
    'enforced', (select f.enabled from exora.features f where f.feature = 'usage_limits'),
    'limits', coalesce((select jsonb_agg(to_jsonb(l) order by l.patient_id nulls first)
                          from (select * from exora.usage_limits u order by u.patient_id nulls first limit 10000) l), '[]'))
$$;
