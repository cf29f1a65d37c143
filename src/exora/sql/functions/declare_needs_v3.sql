-- public.declare_needs_v3: say which APIs the jobs of these types call, in place of what was said before. p_needs is an array
-- of {provider, endpoint, requests_per_job, tokens_per_job}; empty: none, the work is local. Answers whether that is new.
create or replace function public.declare_needs_v3(p_job_types text[], p_needs jsonb)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  v_column text;
  v_rule text;
  v_said int;
  v_gone int;
begin
  if exists (select from jsonb_to_recordset(p_needs) as n (provider text, endpoint text)
              where not exists (select from exora.api_rate_limits l
                                 where l.provider_name = n.provider and l.api_endpoint = n.endpoint)) then
    perform exora.refuse('PT404', 'unknown provider or endpoint', 'p_needs', 'Make it known: exora capacity set');
  end if;
  insert into exora.job_type_needs as w (job_type, api, requests_per_job, tokens_per_job)
  select t.job_type, l.api, coalesce(n.requests_per_job, 1), coalesce(n.tokens_per_job, 0)
    from exora.job_types t
   cross join jsonb_to_recordset(p_needs) as n (provider text, endpoint text, requests_per_job real, tokens_per_job real)
    join exora.api_rate_limits l on l.provider_name = n.provider and l.api_endpoint = n.endpoint
   where t.job_type = any (p_job_types)
  on conflict (job_type, api) do update
     set requests_per_job = excluded.requests_per_job, tokens_per_job = excluded.tokens_per_job
   where (w.requests_per_job, w.tokens_per_job) is distinct from (excluded.requests_per_job, excluded.tokens_per_job);
  get diagnostics v_said = row_count;
  delete from exora.job_type_needs w
   using exora.api_rate_limits l
   where l.api = w.api and w.job_type = any (p_job_types)
     and not exists (select from jsonb_to_recordset(p_needs) as n (provider text, endpoint text)
                      where n.provider = l.provider_name and n.endpoint = l.api_endpoint);
  get diagnostics v_gone = row_count;
  return v_said + v_gone > 0;
exception
  when check_violation or not_null_violation then
    get stacked diagnostics v_column = column_name, v_rule = constraint_name;
    perform exora.refuse_value(v_column, v_rule);
end $$;
