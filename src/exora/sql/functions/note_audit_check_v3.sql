-- public.note_audit_check_v3: note that the audit trail was verified, by whom, and how many findings of tampering there were.
-- Not an event of the trail: looking must not change what is looked at.
create or replace function public.note_audit_check_v3(p_events bigint, p_findings int, p_anchored boolean, p_by text default null)
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_column text;
  v_rule text;
begin
  perform exora.act_detail(p_by, null);
  insert into exora.audit_checks (events, findings, anchored, checked_by) values (p_events, p_findings, p_anchored, p_by);
exception
  when check_violation or not_null_violation then
    get stacked diagnostics v_column = column_name, v_rule = constraint_name;
    perform exora.refuse_value(v_column, v_rule);
end $$;
