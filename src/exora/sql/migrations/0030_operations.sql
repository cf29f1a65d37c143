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

create table exora.patient_usage (
  day            date not null,
  patient_id     uuid,
  lane           text collate "C" not null,
  model          text not null,
  completed      bigint not null,
  retried        bigint not null,
  dead           bigint not null,
  calls          bigint not null,
  input_tokens   bigint not null,
  output_tokens  bigint not null,
  pages          bigint not null,
  microusd       bigint not null,
  run_s          double precision not null,
  unique nulls not distinct (day, patient_id, lane, model)
) with (fillfactor = 70);
create index patient_usage_patient on exora.patient_usage (patient_id, day);
comment on table exora.patient_usage is
  'What each patient''s jobs used on each day (UTC), as workers say, kept for good. Model is provider/endpoint for calls of an
API (pages: what was read by it; run_s: the time they took) and empty for the attempts themselves.';

create table exora.job_usage (
  like exora.patient_usage,
  job_id  uuid not null,
  primary key (job_id, day, model)
) with (fillfactor = 70);
create index job_usage_day on exora.job_usage (day);
comment on table exora.job_usage is 'The same job by job, for as long as finished jobs are kept. Attempts of under a second that read no
page and called no API are in usage_days alone: there can be very many.';

create type exora.used_by_job as (
  patient_id uuid, lane text, model text, completed bigint, retried bigint, dead bigint, calls bigint, input_tokens bigint,
  output_tokens bigint, pages bigint, microusd bigint, run_s double precision, job_id uuid
);

-- Limits of usage for each patient ----------------------------------------------------------------

create table exora.features (
  feature  text primary key,
  enabled  boolean not null
);
comment on table exora.features is 'What can be turned on.';
insert into exora.features values ('usage_limits', false);

create table exora.usage_limits (
  patient_id      uuid unique nulls not distinct,
  jobs_per_day    integer check (jobs_per_day >= 0),
  pages_per_day   integer check (pages_per_day >= 0),
  usd_per_day     numeric(12, 4) check (usd_per_day >= 0)
);
comment on table exora.usage_limits is
  'What one patient may use on a day (UTC); null = unlimited. The row without a patient is for all that have none of their own.';

create table exora.enqueued_days (
  day         date not null,
  patient_id  uuid not null,
  jobs        bigint not null,
  primary key (day, patient_id)
) with (fillfactor = 50);
comment on table exora.enqueued_days is 'Jobs enqueued for each patient today, counted while the limits of usage are on.';

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
drop function if exists public.usage_v3(date, date);
drop function if exists public.report_worker_v3(text, bigint, timestamptz, text, text[], text[], int, int, bigint, text, jsonb);
