-- The foundation: roles, schema, job types, the live queue, the archive, capacity, audit, documents.
--
-- How the live side is cut: a wide row per job, written once (jobs), beside narrow rows that exist
-- exactly while they are true: ready (may be claimed), scheduled (not yet), running (claimed),
-- dead_letters. A state change inserts and deletes narrow rows, so that nothing wide is ever
-- rewritten, heartbeats touch no index, and a finished job leaves the hot tables at once.

do $$
declare v_role text;
begin
  -- Supabase has these roles; elsewhere they are made, without login.
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      begin
        execute format('create role %I nologin', v_role);
      exception when duplicate_object or unique_violation then
        null;  -- roles belong to the whole server: another database was migrated at the same moment
      end;
    end if;
  end loop;
end $$;

-- What kinds of work there are -------------------------------------------------------------------

create table exora.job_types (
  job_type        text primary key check (job_type ~ '^[a-z][a-z0-9_]{0,62}$'),
  default_lane    text not null,
  max_retries     smallint not null default 5 check (max_retries between 0 and 100),
  backoff_base_s  real not null default 5 check (backoff_base_s > 0),
  backoff_factor  real not null default 2 check (backoff_factor >= 1),
  backoff_cap_s   real not null default 3600,
  heartbeat_s     real not null default 30 check (heartbeat_s > 0),
  lease_s         real not null default 120,
  timeout_s       real not null default 3600 check (timeout_s > 0),
  payload_keys    text[] not null default '{}',
  payload_check   jsonpath not null default 'true',
  dropped_keys    text[] not null default '{}',
  check (lease_s >= 2 * heartbeat_s)
);
comment on table exora.job_types is
  'Kinds of jobs with their defaults; durations in seconds. payload_* are compiled from payload_fields.';

create table exora.lanes (
  lane         text collate "C" primary key check (lane ~ '^[a-z][a-z0-9_]{0,62}$'),
  job_type     text not null references exora.job_types,
  paused_at    timestamptz,
  depth_limit  integer check (depth_limit > 0)
);
comment on table exora.lanes is 'A lane serves one job type; a type without lanes of its own has one of its own name.';

create table exora.payload_fields (
  job_type  text not null references exora.job_types,
  key       text not null,
  kind      text not null check (kind in ('uuid', 'integer', 'boolean', 'code', 'sha256', 'media_type',
                                          'timestamp', 'storage_path', 'dropped')),
  required  boolean not null default false,
  primary key (job_type, key)
);
comment on table exora.payload_fields is
  'What a payload may hold: references, never content. "dropped" keys are taken off and noted.';

-- Jobs -------------------------------------------------------------------------------------------

create sequence exora.job_number cache 100;

create table exora.jobs (
  id               bigint primary key,
  created_at       timestamptz not null,
  scheduled_at     timestamptz not null,
  priority         smallint not null,
  max_retries      smallint not null,
  patient_id       uuid,
  shell_file_id    uuid,
  correlation_id   uuid not null,
  job_type         text not null,
  lane             text collate "C" not null,
  category         text not null,
  name             text not null,
  payload          jsonb not null,
  idempotency_key  text,
  notes            text[]
);
create unique index jobs_idempotency_key on exora.jobs (job_type, idempotency_key) where idempotency_key is not null;
create index jobs_patient on exora.jobs (patient_id, id) where patient_id is not null;
comment on table exora.jobs is
  'One wide row per job, written once at enqueue by functions that check it, and never updated: constraints and
foreign keys here would be paid by every job once more. The public id is exora.job_uuid(id, created_at).';

create table exora.ready (
  lane         text collate "C" not null,
  sort_key     bigint not null,
  job          bigint not null,
  attempt      integer not null,
  retry_count  smallint not null,
  crash_count  smallint not null,
  primary key (lane, sort_key, job)
);
comment on table exora.ready is 'A row exists exactly while the job may be claimed. attempt = claims so far.';

create table exora.scheduled (
  job          bigint primary key,
  due_at       timestamptz not null,
  attempt      integer not null,
  retry_count  smallint not null,
  crash_count  smallint not null
);
create index scheduled_due on exora.scheduled (due_at);
comment on table exora.scheduled is 'Jobs that wait for their time, kept out of the way of ready ones.';

create table exora.running (
  job               bigint primary key,
  attempt           integer not null,
  claim_token       uuid not null,
  started_at        timestamptz not null,
  heartbeat_at      timestamptz not null,
  lease_expires_at  timestamptz not null,
  lease_s           real not null,
  retry_count       smallint not null,
  crash_count       smallint not null,
  correlation_id    uuid not null,
  cancel_requested  boolean not null default false,
  worker_id         text not null
) with (fillfactor = 70);
comment on table exora.running is
  'A row per claimed job. No index but the key, so that a heartbeat is a HOT update.';

create table exora.dead_letters (
  job             bigint primary key,
  dead_letter_at  timestamptz not null,
  attempt         integer not null,
  retry_count     smallint not null,
  crash_count     smallint not null,
  started_at      timestamptz,
  worker_id       text,
  cause           text not null check (cause in ('permanent', 'exhausted', 'poison')),
  fingerprint     text
);
comment on table exora.dead_letters is 'Jobs that need a person: redrive them or let retention drop them.';

create table exora.job_archive (
  job           bigint not null,
  attempt       integer not null,
  status        text not null check (status in ('completed', 'cancelled')),
  claim_token   uuid,
  started_at    timestamptz,
  finished_at   timestamptz not null,
  heartbeat_at  timestamptz,
  retry_count   smallint not null,
  crash_count   smallint not null,
  worker_id     text,
  result        jsonb
) partition by range (finished_at);
create index job_archive_job on exora.job_archive (job);
create table exora.job_archive_default partition of exora.job_archive default;
comment on table exora.job_archive is 'Outcomes of finished jobs, partitioned by day; joined with jobs for the rest.';

create table exora.job_errors (
  job          bigint not null,
  at           timestamptz not null default clock_timestamp(),
  attempt      integer not null,
  kind         text not null check (kind in ('retry', 'crash', 'dead')),
  error_class  text not null check (length(error_class) <= 120),
  code         text not null check (length(code) <= 120),
  summary      text not null check (length(summary) <= 500),
  fingerprint  text not null check (length(fingerprint) <= 64)
);
create index job_errors_job on exora.job_errors (job, at);
comment on table exora.job_errors is 'Every failed attempt: class, code, scrubbed summary, fingerprint; never raw text.';

create table exora.claims (
  claim_token  uuid primary key,
  claimed_at   timestamptz not null,
  worker_id    text not null,
  jobs         bigint[] not null
);
alter table exora.claims alter column jobs set storage external;  -- compressing it costs more than it saves
comment on table exora.claims is 'What each claim call returned, so that a repeated call returns the same.';

create unlogged table exora.patient_flow (
  patient_id  uuid primary key,
  tag         bigint not null
) with (fillfactor = 50);
comment on table exora.patient_flow is
  'Start-time fair queueing: the virtual time up to which a patient has been served. Soft state.';

create unlogged table exora.idle_workers (
  worker_id  text primary key,
  since      timestamptz not null
);
comment on table exora.idle_workers is 'Who waits for a wake-up; NOTIFY is sent only while somebody does. Soft state.';

-- API capacity -----------------------------------------------------------------------------------

create table exora.api_rate_limits (
  provider_name               text not null,
  api_endpoint                text not null,
  requests_per_minute         integer check (requests_per_minute > 0),
  tokens_per_minute           integer check (tokens_per_minute > 0),
  concurrent_requests         integer check (concurrent_requests > 0),
  backpressure_threshold      real not null default 0.8 check (backpressure_threshold between 0 and 1),
  -- The original said 60: whoever comes under pressure then stands outside the fair order for a minute.
  backpressure_delay_seconds  integer not null default 1,
  queue_depth_limit           integer,
  status                      text not null default 'active' check (status in ('active', 'disabled', 'maintenance')),
  primary key (provider_name, api_endpoint)
);
comment on table exora.api_rate_limits is 'Limits of each API; null = unlimited.';

create table exora.api_reservations (
  id                uuid primary key,
  provider_name     text not null,
  api_endpoint      text not null,
  holder            text not null,
  requests          integer not null check (requests >= 0),
  tokens            integer not null check (tokens >= 0),
  granted_at        timestamptz not null,
  lease_expires_at  timestamptz not null,
  settled_at        timestamptz,
  estimated_tokens  integer not null,
  foreign key (provider_name, api_endpoint) references exora.api_rate_limits
);
create index api_reservations_window on exora.api_reservations (provider_name, api_endpoint, granted_at);
create index api_reservations_open on exora.api_reservations (provider_name, api_endpoint, lease_expires_at)
  where settled_at is null;
comment on table exora.api_reservations is 'Leased capacity: counts for 60 s after its grant, and as concurrency until settled or lapsed.';

-- Patients, documents, records -------------------------------------------------------------------

create table exora.patients (
  id          uuid primary key,
  created_at  timestamptz not null default clock_timestamp()
);
comment on table exora.patients is 'Opaque ids only; names live in the records.';

create table exora.documents (
  id            uuid primary key,
  patient_id    uuid not null references exora.patients,
  storage_path  text not null,
  sha256        text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes    bigint not null check (size_bytes >= 0),
  media_type    text not null,
  created_at    timestamptz not null default clock_timestamp(),
  unique (patient_id, sha256)
);

create table exora.records (
  document_id  uuid primary key references exora.documents,
  patient_id   uuid not null references exora.patients,
  job          bigint not null,
  attempt      integer not null,
  record       jsonb not null,
  stored_at    timestamptz not null default clock_timestamp()
);
create index records_job on exora.records (job);

create table exora.steps (
  patient_id  uuid not null references exora.patients,
  step_key    text not null check (step_key ~ '^[0-9a-f]{64}$'),
  result      jsonb not null,
  stored_at   timestamptz not null default clock_timestamp(),
  primary key (patient_id, step_key)
);
comment on table exora.steps is
  'Results of steps that must not be paid twice, by content address, never shared between patients.';

create table exora.objects (
  path        text primary key check (path ~ '^[0-9a-f-]{36}/[^/]'),
  content     bytea not null,
  created_at  timestamptz not null default clock_timestamp()
);
alter table exora.objects alter column content set storage external;
comment on table exora.objects is 'Embedded storage: the bytes of documents, when no Supabase Storage is configured.';

alter table exora.patients enable row level security;
alter table exora.documents enable row level security;
alter table exora.records enable row level security;
alter table exora.steps enable row level security;
alter table exora.objects enable row level security;

-- Audit ------------------------------------------------------------------------------------------

create table exora.audit_events (
  id              bigint generated always as identity (cache 100),
  at              timestamptz not null default clock_timestamp(),
  event           text not null,
  actor           text not null default session_user,
  worker_id       text,
  job             bigint,
  attempt         integer,
  document_id     uuid,
  patient_id      uuid,
  correlation_id  uuid not null,
  detail          jsonb
);
-- Events of a job lie near each other: a block range index finds them at a hundredth of the price of a tree,
-- which every claim and completion would pay.
create index audit_events_job on exora.audit_events using brin (job) with (pages_per_range = 16, autosummarize = on);
comment on table exora.audit_events is
  'One row per state change, document access and operator action, in the same transaction. Append-only.';

create function exora.refuse_audit_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'EX004', message = 'audit events are append-only';
end $$;
create trigger audit_append_only before update or delete on exora.audit_events
  for each row execute function exora.refuse_audit_change();
create trigger audit_no_truncate before truncate on exora.audit_events
  for each statement execute function exora.refuse_audit_change();

-- Seeds ------------------------------------------------------------------------------------------

insert into exora.job_types (job_type, default_lane)
values ('shell_file_processing', 'standard_queue'), ('ai_processing', 'ai_queue_simple'),
       ('data_migration', 'data_migration'), ('audit_cleanup', 'audit_cleanup'),
       ('system_maintenance', 'system_maintenance'), ('notification_delivery', 'notification_delivery'),
       ('report_generation', 'report_generation'), ('backup_operation', 'backup_operation'),
       ('semantic_processing', 'semantic_processing'), ('consent_verification', 'consent_verification'),
       ('provider_verification', 'provider_verification');

insert into exora.lanes (lane, job_type)
values ('fast_queue', 'shell_file_processing'), ('standard_queue', 'shell_file_processing'),
       ('ai_queue_simple', 'ai_processing'), ('ai_queue_complex', 'ai_processing');
insert into exora.lanes (lane, job_type)
select default_lane, job_type from exora.job_types on conflict do nothing;

insert into exora.payload_fields (job_type, key, kind, required)
select t.job_type, f.key, f.kind, f.required
  from exora.job_types t,
       (values ('patient_id', 'uuid', false), ('shell_file_id', 'uuid', false),
               ('correlation_id', 'uuid', false), ('scope', 'code', false),
               ('before', 'timestamp', false), ('limit', 'integer', false), ('dry_run', 'boolean', false))
         as f (key, kind, required)
 where t.job_type not in ('shell_file_processing', 'ai_processing')
union all
select t.job_type, f.key, f.kind, f.required
  from exora.job_types t,
       (values ('patient_id', 'uuid', true), ('shell_file_id', 'uuid', true),
               ('storage_path', 'storage_path', true), ('mime_type', 'media_type', false),
               ('file_size_bytes', 'integer', false), ('sha256', 'sha256', false),
               ('correlation_id', 'uuid', false), ('uploaded_filename', 'dropped', false))
         as f (key, kind, required)
 where t.job_type in ('shell_file_processing', 'ai_processing');

insert into exora.api_rate_limits (provider_name, api_endpoint, requests_per_minute, tokens_per_minute, concurrent_requests)
values ('openai', 'gpt-4o-mini', 500, 200000, 50), ('openai', 'gpt-4-vision', 100, 20000, 20),
       ('google', 'vision-api', 1800, null, 100), ('anthropic', 'claude-3', 400, 100000, 25);

