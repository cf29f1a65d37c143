-- exora.answer_duplicates: the answers to a batch some of whose idempotency keys were taken. A statement of its own: it
-- must see a twin that another transaction has just committed. Another payload under a taken key is an error.
create or replace function exora.answer_duplicates(
  p_ids bigint[], p_new bigint[], p_job_types text[], p_payloads jsonb[], p_keys text[], p_now timestamptz,
  p_reasons text[])
returns table (job_id uuid, scheduled_at timestamptz, outcome text, reason text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare v_clash int;
begin
  select i.ordinal into v_clash
    from unnest(p_ids, p_job_types, p_payloads, p_keys) with ordinality as i (id, job_type, payload, key, ordinal)
    join exora.job_types t on t.job_type = i.job_type
    join exora.jobs j on j.job_type = i.job_type and j.idempotency_key = i.key
   where i.id <> j.id and j.payload <> i.payload - t.dropped_keys order by 1 limit 1;
  if v_clash is not null then
    perform exora.refuse('PT409', format('job %s: this idempotency key was used with another payload', v_clash),
                         'idempotency_key', 'Use a new key for new work');
  end if;
  return query
  select exora.job_uuid(j.id, j.created_at), j.scheduled_at,
         case when i.id <> j.id then 'duplicate' when j.scheduled_at > p_now then 'deferred' else 'accepted' end,
         case when i.id <> j.id then 'idempotency_key' when j.scheduled_at > p_now then coalesce(i.reason, 'scheduled') end
    from unnest(p_ids, p_job_types, p_keys, p_reasons) with ordinality as i (id, job_type, key, reason, ordinal)
    cross join lateral (
      select * from exora.jobs j where j.id = i.id
      union all
      select * from exora.jobs j where not i.id = any (p_new) and j.job_type = i.job_type and j.idempotency_key = i.key
      limit 1) j
   order by i.ordinal;
end $$;
