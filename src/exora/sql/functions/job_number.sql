-- exora.job_number: the number inside a job's public id (see exora.job_uuid); 0, which no job has, for any other uuid.
-- Inlined as that one is.
create or replace function exora.job_number(p_job_id uuid)
returns bigint language sql immutable parallel safe as $$
  select case when pg_catalog.substr(p_job_id::text, 15, 1) = '7'
         then ('x' || pg_catalog.encode(pg_catalog.substr(pg_catalog.uuid_send(p_job_id), 9), 'hex'))::bit(64)::bigint
              & 4611686018427387903 else 0 end
$$;
