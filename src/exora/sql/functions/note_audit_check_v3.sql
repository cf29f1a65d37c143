-- public.note_audit_check_v3: note that the audit trail was verified, by whom, and what was found; itself an audited act.
create or replace function public.note_audit_check_v3(p_events bigint, p_findings int, p_anchored boolean, p_by text default null)
returns void language plpgsql security definer set search_path = '' as $$
declare
  v_detail jsonb := exora.act_detail(p_by, null, jsonb_build_object('events', p_events, 'findings', p_findings));
begin
  insert into exora.audit_checks (events, findings, anchored, checked_by) values (p_events, p_findings, p_anchored, p_by);
  insert into exora.audit_events (event, correlation_id, detail) values ('audit_verified', gen_random_uuid(), v_detail);
end $$;
