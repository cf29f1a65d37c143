-- exora.refuse_value: refuse a call whose arguments a table does not take, by the column or the constraint that says so: the
-- server's own error would quote the whole row. For rarely called functions, whose handler of exceptions costs nothing.
create or replace function exora.refuse_value(p_column text, p_constraint text)
returns void language plpgsql security definer set search_path = '' as $$
begin
  perform exora.refuse('PT400', 'an argument is missing or out of its range', coalesce(nullif(p_column, ''), p_constraint),
                       'See the reference of functions');
end $$;
