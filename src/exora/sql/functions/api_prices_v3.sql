-- public.api_prices_v3: the list prices of an API in US dollars.
create or replace function public.api_prices_v3(p_provider_name text, p_api_endpoint text)
returns table (usd_per_request double precision, usd_per_million_input_tokens double precision,
               usd_per_million_output_tokens double precision)
language plpgsql stable security definer set search_path = '' as $$
begin
  return query
  select l.usd_per_request::double precision, l.usd_per_million_input_tokens::double precision,
         l.usd_per_million_output_tokens::double precision
    from exora.api_rate_limits l where l.provider_name = p_provider_name and l.api_endpoint = p_api_endpoint;
  if not found then
    perform exora.refuse('PT404', 'unknown provider or endpoint', 'p_api_endpoint', 'See: exora capacity show');
  end if;
end $$;
