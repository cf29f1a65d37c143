-- Operations: who works, what was done each minute, who acted and why, facts about a job.

-- Workers report ----------------------------------------------------------------------------------

create unlogged table exora.workers (
  worker_id     text primary key,
  report        bigint not null,
  started_at    timestamptz not null,
  seen_at       timestamptz not null,
  state         text not null check (state in ('working', 'draining')),
  job_types     text[] not null,
  lanes         text[],
  slots         integer not null check (slots > 0),
  active        integer not null check (active >= 0),
  memory_bytes  bigint,
  version       text not null
) with (fillfactor = 50);
comment on table exora.workers is
  'Each worker process as it last reported; lanes null: all lanes of its types. Soft state: who lives reports again.';

create table exora.lane_minutes (
  minute     timestamptz not null,
  lane       text collate "C" not null,
  completed  bigint not null default 0,
  retried    bigint not null default 0,
  dead       bigint not null default 0,
  cancelled  bigint not null default 0,
  run_s      double precision not null default 0,
  runs       bigint[] not null default '{}',
  waits      bigint[] not null default '{}',
  ready      bigint,
  running    bigint,
  primary key (lane, minute)
);
create index lane_minutes_minute on exora.lane_minutes (minute);
comment on table exora.lane_minutes is
  'What workers say they did in each minute, for charts: counts, seconds of run time, and histograms of run time (runs) and
of the time from enqueue to first start (waits) over the bounds of exora.minute_bounds(). ready, running: depth then.';

create table exora.usage_days (
  day        date not null,
  lane       text collate "C" not null,
  completed  bigint not null,
  retried    bigint not null,
  dead       bigint not null,
  pages      bigint not null,
  run_s      double precision not null,
  primary key (day, lane)
);
comment on table exora.usage_days is
  'What workers say they did on each day (UTC) in each lane, kept for good: a row a lane and day. Money is in api_costs.';

-- Who acted, and why ------------------------------------------------------------------------------

alter table exora.lanes add column paused_by text, add column pause_reason text;
create index dead_letters_fingerprint on exora.dead_letters (fingerprint, job);

create table exora.audit_checks (
  at        timestamptz primary key default clock_timestamp(),
  events    bigint not null,
  findings  integer not null,
  anchored  boolean not null,
  checked_by  text
);
comment on table exora.audit_checks is 'Each verification of the audit trail: sealed events verified, what was found.';

-- Why a job is where it is ------------------------------------------------------------------------

create type exora.job_fact as (rank int, cause text, fact text, remedy text);

-- Periodic jobs ---------------------------------------------------------------------------------

create table exora.schedules (
  name        text primary key check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
  cron        text not null check (length(cron) between 9 and 120),
  time_zone   text not null check (length(time_zone) <= 64),
  job_type    text not null references exora.job_types,
  lane        text,
  priority    smallint not null,
  payload     jsonb not null,
  missed      text not null check (missed in ('skip', 'one', 'all')),
  next_at     timestamptz not null,
  last_at     timestamptz,
  last_job    bigint,
  created_at  timestamptz not null default clock_timestamp()
);
create index schedules_next on exora.schedules (next_at);
comment on table exora.schedules is
  'Jobs to be enqueued again and again. next_at is the tick to come: whoever moves it on enqueues the job in the same
transaction, so each tick is enqueued once. missed: what becomes of ticks at which no worker lived.';

-- Jobs that wait for others ----------------------------------------------------------------------

create table exora.dependencies (
  job         bigint not null,
  needs       bigint not null,
  any_end     boolean not null,
  checked_at  timestamptz not null default clock_timestamp(),
  primary key (job, needs)
);
create index dependencies_checked on exora.dependencies (checked_at);
comment on table exora.dependencies is
  'A row for each job that a waiting job still needs to be completed (any_end: or dead, or cancelled); the waiting one lies in
exora.scheduled until exora.awaited_until(). Looked at by sweeps, the longest unlooked at first.';

-- Functions whose arguments are others now; a changed one would stand beside the old under the same name.
drop function if exists public.cancel_job_v3(uuid);
drop function if exists public.pause_lane_v3(text, boolean);
drop function if exists public.redrive_jobs_v3(uuid[]);
drop function if exists public.list_jobs_v3(text, uuid, uuid[], int);
