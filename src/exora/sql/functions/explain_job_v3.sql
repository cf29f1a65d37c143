-- public.explain_job_v3: why a job is where it is: {job_id, status, cause, sentence, facts: [{cause, fact, remedy}]}, the
-- decisive fact first. Each exora.explain_* looks at one kind of cause and says nothing when it does not apply. Ids, codes,
-- counts and times only.
create or replace function public.explain_job_v3(p_job_id uuid)
returns jsonb language plpgsql stable security definer set search_path = '' as $$
declare
  v_job public.job_queue;
  v_facts exora.job_fact[];
begin
  select * into v_job from public.list_jobs_v3(p_job_ids => array[p_job_id]) q where q.id = p_job_id;
  if not found then
    perform exora.refuse('PT404', 'no job of this id', 'p_job_id', 'See: exora jobs list');
  end if;
  select array_agg(f order by f.rank) into v_facts from (
    select * from exora.explain_time(v_job)
    union all select * from exora.explain_lane(v_job)
    union all select * from exora.explain_provider(v_job)
    union all select * from exora.explain_key(v_job)
    union all select * from exora.explain_place(v_job)
    union all select * from exora.explain_run(v_job)
    union all select * from exora.explain_end(v_job)
    union all select * from exora.explain_crashes(v_job)) f;
  if v_facts is null then
    v_facts := array[row(0, 'moving', 'it changed its state just now', 'Ask again')::exora.job_fact];
  end if;
  return jsonb_build_object(
    'job_id', p_job_id, 'status', v_job.status, 'cause', v_facts[1].cause,
    'sentence', case v_job.status when 'pending' then 'Waiting' when 'processing' then 'Running' when 'failed' then 'Dead letter'
                     when 'completed' then 'Completed' else 'Cancelled' end || ': ' || v_facts[1].fact || '.',
    'facts', (select jsonb_agg(jsonb_build_object('cause', f.cause, 'fact', f.fact, 'remedy', f.remedy) order by f.rank)
                from unnest(v_facts) f));
end $$;
