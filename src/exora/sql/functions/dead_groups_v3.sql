-- public.dead_groups_v3: dead letters by the fingerprint of their error, the largest groups first, among the newest 50000.
-- job_id is the newest of each group, and what is said of the error is of it.
create or replace function public.dead_groups_v3(p_limit int default 50)
returns table (fingerprint text, jobs bigint, cause text, code text, error_class text, summary text, lanes text[],
               first_at timestamptz, last_at timestamptz, job_id uuid)
language sql stable security definer set search_path = '' set jit = off as $$
  select g.fingerprint, g.jobs, g.cause, e.code, e.error_class, e.summary, l.lanes, g.first_at, g.last_at,
         exora.job_uuid(j.id, j.created_at)
    from (select coalesce(d.fingerprint, '') as fingerprint, count(*) as jobs, min(d.cause) as cause,
                 min(d.dead_letter_at) as first_at, max(d.dead_letter_at) as last_at, max(d.job) as newest
            from (select * from exora.dead_letters order by job desc limit 50000) d
           group by 1 order by count(*) desc, max(d.dead_letter_at) desc limit p_limit) g
    join exora.jobs j on j.id = g.newest
    left join lateral (select x.code, x.error_class, x.summary from exora.job_errors x
                        where x.job = g.newest order by x.at desc limit 1) e on true
    left join lateral (select array_agg(distinct y.lane::text order by y.lane::text) as lanes
                         from (select d.job from exora.dead_letters d where d.fingerprint = g.fingerprint
                                order by d.job desc limit 1000) d join exora.jobs y on y.id = d.job) l on true
   order by g.jobs desc, g.last_at desc
$$;
