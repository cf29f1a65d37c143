-- public.note_audit_check_v3: note that the audit trail was verified, by whom, and how many findings of tampering there were.
-- Not an event of the trail: looking must not change what is looked at.
create or replace function public.note_audit_check_v3(p_events bigint, p_findings int, p_anchored boolean, p_by text default null)
returns void language plpgsql security definer set search_path = '' as $$
begin
  perform exora.act_detail(p_by, null);
  insert into exora.audit_checks (events, findings, anchored, checked_by) values (p_events, p_findings, p_anchored, p_by);
end $$;
