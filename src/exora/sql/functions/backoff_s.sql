-- exora.backoff_s: seconds until the next try: exponential backoff with full jitter
-- (random between 0 and min(cap, base * factor ^ retries); M. Brooker, "Exponential Backoff And Jitter", 2015).
create or replace function exora.backoff_s(p_job_type text, p_retry_count int)
returns double precision language sql volatile security definer set search_path = '' as $$
  select random() * least(t.backoff_cap_s, t.backoff_base_s * power(t.backoff_factor, least(p_retry_count, 60)))
    from exora.job_types t where t.job_type = p_job_type
$$;
