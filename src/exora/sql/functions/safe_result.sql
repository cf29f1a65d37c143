-- exora.safe_result: whether a job's result holds references only: numbers, booleans and words without
-- spaces, at most three levels deep and 8 KiB long. A result is read by dashboards and logs.
create or replace function exora.safe_result(p_result jsonb, p_depth int default 0)
returns boolean language plpgsql immutable security definer set search_path = '' as $$
begin
  if p_result is null then return true; end if;
  if p_depth = 0 and (octet_length(p_result::text) > 8192
                      or jsonb_typeof(p_result) not in ('object', 'null')) then return false; end if;
  case jsonb_typeof(p_result)
    when 'object' then
      return p_depth < 3 and not exists (
        select from jsonb_each(p_result) e
         where e.key !~ '^[a-z][a-z0-9_]{0,62}$' or not exora.safe_result(e.value, p_depth + 1));
    when 'array' then
      return p_depth < 3 and not exists (
        select from jsonb_array_elements(p_result) e where not exora.safe_result(e.value, p_depth + 1));
    when 'string' then
      return (p_result #>> '{}') ~ '^[A-Za-z0-9_.:/+-]{0,128}$';
    else return true;
  end case;
end $$;
