-- public.observe_api_usage_v3: learn from what a call of a kind has used; with p_used null only ask. Smoothed as RFC 6298
-- smooths round trips: deviation by 1/4, mean by 1/8, the first sample as mean with half of it as deviation.
create or replace function public.observe_api_usage_v3(
  p_provider_name text, p_api_endpoint text, p_kind text, p_used real default null)
returns table (samples bigint, mean real, deviation real)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  v_column text;
  v_rule text;
begin
  if p_used is not null then
    insert into exora.api_estimates as e (api, kind, samples, mean, deviation)
    select l.api, p_kind, 1, p_used, p_used / 2 from exora.api_rate_limits l
     where l.provider_name = p_provider_name and l.api_endpoint = p_api_endpoint
    on conflict (api, kind) do update
       set samples = e.samples + 1, deviation = e.deviation + (abs(e.mean - p_used) - e.deviation) / 4,
           mean = e.mean + (p_used - e.mean) / 8;
  end if;
  return query
  select e.samples, e.mean, e.deviation from exora.api_estimates e join exora.api_rate_limits l on l.api = e.api
   where l.provider_name = p_provider_name and l.api_endpoint = p_api_endpoint and e.kind = p_kind;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics v_column = column_name, v_rule = constraint_name;
    perform exora.refuse_value(v_column, v_rule);
end $$;
