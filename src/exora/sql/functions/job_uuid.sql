-- exora.job_uuid: the public id of a job, a UUIDv7 whose random part holds the job's number, so that
-- the number can be read back without an index. 62 bits of number, 48 of milliseconds.
create or replace function exora.job_uuid(p_number bigint, p_at timestamptz)
returns uuid language sql immutable parallel safe set search_path = '' as $$
  select (lpad(to_hex((extract(epoch from p_at) * 1000)::bigint), 12, '0') || '7'
          || lpad(to_hex((extract(microseconds from p_at)::bigint % 1000)), 3, '0')
          || to_hex(32768 | (p_number >> 48 & 16383))
          || lpad(to_hex(p_number & 281474976710655), 12, '0'))::uuid
$$;
