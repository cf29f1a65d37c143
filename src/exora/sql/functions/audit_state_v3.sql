-- public.audit_state_v3: how much of the audit trail is sealed, when sealing last looked, whether it is behind, and how the
-- last verification ended (all null: there was none).
create or replace function public.audit_state_v3()
returns table (events bigint, seals bigint, looked_at timestamptz, behind boolean, checked_at timestamptz,
               checked_events bigint, findings int, anchored boolean, checked_by text)
language sql stable security definer set search_path = '' as $$
  select h.events, h.seals, nullif(p.looked_at, '-infinity'), p.behind, c.at, c.events, c.findings, c.anchored, c.checked_by
    from (select sum(h.events)::bigint as events, sum(h.seq)::bigint as seals from exora.audit_heads h) h
    cross join exora.audit_progress p
    left join lateral (select * from exora.audit_checks k order by k.at desc limit 1) c on true
$$;
