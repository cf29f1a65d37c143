-- public.audit_windows_v3: cut the runs of sealing into windows of about p_events events each, for verify_audit_v3. The
-- last window is open to the end (to_run null) and is there even when nothing has been sealed.
create or replace function public.audit_windows_v3(p_events int default 50000)
returns table (from_run bigint, to_run bigint, events bigint)
language sql stable security definer set search_path = '' as $$
  with run as (
    select s.run, sum(s.events) as events from exora.audit_seals s group by s.run
  ), numbered as (
    select r.run, r.events, (sum(r.events) over (order by r.run) - 1) / greatest(p_events, 1) as number from run r
  ), cut as (
    select min(n.run) as first_run, sum(n.events)::bigint as events from numbered n group by trunc(n.number)
    union all
    select 1, 0 where not exists (select from exora.audit_seals)
  )
  select c.first_run, lead(c.first_run) over (order by c.first_run) - 1, c.events from cut c order by c.first_run
$$;
