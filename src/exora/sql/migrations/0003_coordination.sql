-- Coordination at full strength: floors under each lane's claims, concurrency keys, retention, settings of the hot tables.

-- Where claims start ------------------------------------------------------------------------------
--
-- A claim walks its lane's index from the low end. Entries of finished jobs lie there until vacuum takes them, and no
-- vacuum takes them while any snapshot is as old as they are: then every claim steps over every job done since.
-- So claims start at a floor below which nothing is ready and nothing can become ready. See docs/explanation/floors.md.

create sequence exora.floor_number;

create table exora.lane_floors (
  lane          text collate "C" not null,
  number        bigint not null default nextval('exora.floor_number'),
  floor         bigint not null,
  proposed      bigint not null,
  open_entries  bigint[] not null,
  primary key (lane, number)
);
comment on table exora.lane_floors is
  'A log, of which the newest row of a lane counts: claims start at sort key floor; proposed is to be the next floor once
nobody holds the locks of open_entries, the entries before it (0: when there was none yet).
Appended to and never updated: an updated row would collect the dead versions that this is about.';

create table exora.floor_breaks (
  lane      text collate "C" not null,
  number    bigint not null default nextval('exora.floor_number'),
  sort_key  bigint not null,
  primary key (lane, number)
);
comment on table exora.floor_breaks is
  'Jobs made ready below the floor proposed then: claims start no higher than any break newer than the floor.';

-- How many may run at once for one key --------------------------------------------------------------

alter table exora.jobs
  add column concurrency_key text,
  add column concurrency_limit smallint;
alter table exora.ready add column concurrency_key text;
alter table exora.running add column concurrency_key text;

create table exora.concurrency_keys (
  concurrency_key  text primary key,
  held             integer not null check (held >= 0)
) with (fillfactor = 50);
comment on table exora.concurrency_keys is 'How many jobs of a key are ready or running; no row: none.';

create table exora.held_back (
  concurrency_key  text not null,
  sort_key         bigint not null,
  job              bigint not null,
  attempt          integer not null,
  retry_count      smallint not null,
  crash_count      smallint not null,
  primary key (concurrency_key, sort_key, job)
);
create unique index held_back_job on exora.held_back (job);
comment on table exora.held_back is 'Jobs that wait until fewer than their limit are ready or running for their key.';

-- Retention ---------------------------------------------------------------------------------------

create table exora.retention (
  singleton      boolean primary key default true check (singleton),
  finished_days  smallint not null default 30 check (finished_days between 1 and 3650),
  dead_days      smallint not null default 90 check (dead_days between 1 and 3650),
  forgotten_to   bigint not null default 0,
  forgotten      bigint not null default 0
);
comment on table exora.retention is
  'For how many days finished jobs and dead letters are kept; the audit trail always is. forgotten, forgotten_to: how many
jobs of the oldest day are gone, and the last of them.';
insert into exora.retention default values;

create index claims_age on exora.claims (claimed_at);
create index dead_letters_age on exora.dead_letters (dead_letter_at);

-- The hot tables are small and turn over completely within seconds: vacuum by count, not by share, and do not rest in
-- between. Truncating their ends would lock them for nothing: they grow again at once.
alter table exora.ready set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
  vacuum_truncate = off);
alter table exora.running set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000,
  vacuum_truncate = off);
alter table exora.scheduled set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table exora.claims set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table exora.patient_flow set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);

-- Functions whose arguments or answers are others now; a changed one would stand beside the old under the same name.
drop function if exists public.enqueue_job_v3(text, text, jsonb, text, int, timestamptz, text, text, int);
drop function if exists public.enqueue_jobs_v3(text[], jsonb[], text[], text[], int[], timestamptz[], text[], text[], int[]);
drop function if exists public.settle_jobs_v3(bigint[], int[], uuid[], text[], jsonb[], double precision[], text[], jsonb[]);
drop function if exists public.queue_stats_v3();
drop function if exists public.claim_jobs_v3(text, uuid, text[], text[], int, boolean);
drop function if exists exora.repeat_claim(uuid);
drop function if exists exora.answer_duplicates(bigint[], bigint[], text[], jsonb[], text[], timestamptz);
drop function if exists exora.check_jobs(text[], jsonb[], text[], int[], text[], text[], int[]);
drop function if exists exora.make_ready(bigint[], text[], smallint[], uuid[], int[], int[], int[]);
