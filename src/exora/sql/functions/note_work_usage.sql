-- exora.note_work_usage: add what jobs used to their days, patient by patient and job by job. p_used: rows {job_id, patient_id,
-- lane, model, completed, retried, dead, calls, input_tokens, output_tokens, pages, microusd, run_s}.
create or replace function exora.note_work_usage(p_used jsonb)
returns void language plpgsql security definer set search_path = '' set jit = off as $$
declare
  v_day date := (clock_timestamp() at time zone 'UTC')::date;
begin
  insert into exora.job_usage as j (day, patient_id, lane, model, completed, retried, dead, calls, input_tokens, output_tokens,
                                    pages, microusd, run_s, job_id)
  select v_day, u.* from jsonb_populate_recordset(null::exora.used_by_job, p_used) u order by u.job_id, u.model
  on conflict (job_id, day, model) do update
     set completed = j.completed + excluded.completed, retried = j.retried + excluded.retried, dead = j.dead + excluded.dead,
         calls = j.calls + excluded.calls, input_tokens = j.input_tokens + excluded.input_tokens,
         output_tokens = j.output_tokens + excluded.output_tokens, pages = j.pages + excluded.pages,
         microusd = j.microusd + excluded.microusd, run_s = j.run_s + excluded.run_s;

  insert into exora.patient_usage as p (day, patient_id, lane, model, completed, retried, dead, calls, input_tokens,
                                        output_tokens, pages, microusd, run_s)
  select v_day, u.patient_id, u.lane, u.model, sum(u.completed), sum(u.retried), sum(u.dead), sum(u.calls),
         sum(u.input_tokens), sum(u.output_tokens), sum(u.pages), sum(u.microusd), sum(u.run_s)
    from jsonb_populate_recordset(null::exora.used_by_job, p_used) u
   group by u.patient_id, u.lane, u.model order by u.patient_id, u.lane, u.model
  on conflict (day, patient_id, lane, model) do update
     set completed = p.completed + excluded.completed, retried = p.retried + excluded.retried, dead = p.dead + excluded.dead,
         calls = p.calls + excluded.calls, input_tokens = p.input_tokens + excluded.input_tokens,
         output_tokens = p.output_tokens + excluded.output_tokens, pages = p.pages + excluded.pages,
         microusd = p.microusd + excluded.microusd, run_s = p.run_s + excluded.run_s;
end $$;
