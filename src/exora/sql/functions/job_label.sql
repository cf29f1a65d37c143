-- exora.job_label: a job's name without what may be a file's or a person's name. Deployed callers send
-- "Pass 1: <file name>", so whatever follows a colon is dropped, and so is a label that looks like a file.
create or replace function exora.job_label(p_name text, p_fallback text)
returns text language sql immutable set search_path = '' as $$
  select case when v.label ~ '^[A-Za-z][A-Za-z0-9 _-]{0,79}$' then v.label else p_fallback end
    from (select btrim(split_part(coalesce(p_name, ''), ':', 1)) as label) v
$$;
