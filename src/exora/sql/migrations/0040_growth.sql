-- Growth: what stays quick with a hundred lanes and ten million finished jobs.

-- Few jobs are cancelled: without an index of their own, the newest fifty are looked for through all that were completed.
create index job_archive_cancelled on exora.job_archive (job) where status = 'cancelled';

-- Charts of all lanes over a week read a row a minute, and not one for each lane.
create table exora.minutes (
  minute     timestamptz primary key,
  completed  bigint not null,
  retried    bigint not null,
  dead       bigint not null,
  cancelled  bigint not null,
  ready      bigint,
  running    bigint,
  runs       bigint[] not null,
  waits      bigint[] not null
);
comment on table exora.minutes is 'The sums over all lanes of exora.lane_minutes, of minutes that are over.';

create index patients_created on exora.patients (created_at);
