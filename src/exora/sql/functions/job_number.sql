-- exora.job_number: the number inside a job's public id (see exora.job_uuid); null for any other uuid.
create or replace function exora.job_number(p_job_id uuid)
returns bigint language sql immutable parallel safe strict set search_path = '' as $$
  select case when substr(p_job_id::text, 15, 1) = '7'
         then ('x' || substr(replace(p_job_id::text, '-', ''), 17, 16))::bit(64)::bigint
              & 4611686018427387903 end
$$;
