-- public.audit_window_v3: the next runs of sealing after p_after_run, about p_events events in all, for a call of
-- verify_audit_v3. The last window is open to the end (to_run null) and is there even when nothing has been sealed.
create or replace function public.audit_window_v3(p_after_run bigint default 0, p_events int default 50000)
returns table (from_run bigint, to_run bigint, events bigint)
language sql stable security definer set search_path = '' set enable_seqscan = off as $$
  with ahead as (
    -- Bounded in seals as well: where little happens, a seal holds an event or two.
    select s.run, s.events from exora.audit_seals s where s.run > p_after_run order by s.run limit 4000
  ), reached as (
    select max(c.run) as run
      from (select a.run, sum(a.events) over (order by a.run) - sum(a.events) over (partition by a.run) as before
              from ahead a) c
     where c.before < p_events
  )
  select p_after_run + 1,
         case when exists (select from exora.audit_seals l where l.run > r.run) then r.run end,
         (select coalesce(sum(s.events), 0)::bigint from exora.audit_seals s
           where s.run > p_after_run and s.run <= r.run)
    from reached r
$$;
