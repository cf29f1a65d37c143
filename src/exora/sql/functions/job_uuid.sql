-- exora.job_uuid: the public id of a job, a UUIDv7 whose random part holds the job's number, so that
-- the number can be read back without an index. 62 bits of number, 48 of milliseconds. No SET clause, and stable as its
-- parts are: it must be inlined into the statements that use it, all of which run with an empty search_path.
create or replace function exora.job_uuid(p_number bigint, p_at timestamptz)
returns uuid language sql stable parallel safe as $$
  select pg_catalog.encode(
    pg_catalog.int8send((pg_catalog.date_part('epoch', p_at) * 1000)::bigint << 16 | 28672)
    || pg_catalog.int8send((-9223372036854775808) | p_number), 'hex')::uuid
$$;
