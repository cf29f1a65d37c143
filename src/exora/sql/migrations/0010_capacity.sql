-- API capacity for a fleet: sliding windows of arrivals, leases in singles and in blocks, reactions to what a provider says,
-- money per day, sub-limits, what job types need. How it works and why: docs/explanation/capacity.md.

drop function if exists public.reserve_api_capacity_v3(uuid, text, text, text, int, real);
drop function if exists public.settle_api_capacity_v3(uuid, int);
drop function if exists public.api_capacity_v3();
drop function if exists public.close_api_v3(text, text, boolean, double precision);
drop function if exists public.set_api_limits_v3(text, text, jsonb, text);

alter table exora.api_rate_limits
  add column api                            integer generated always as identity unique,
  add column cost_per_day_usd               numeric(12, 4) check (cost_per_day_usd > 0),
  add column usd_per_request                numeric(14, 8) not null default 0 check (usd_per_request >= 0),
  add column usd_per_million_input_tokens   numeric(12, 4) not null default 0 check (usd_per_million_input_tokens >= 0),
  add column usd_per_million_output_tokens  numeric(12, 4) not null default 0 check (usd_per_million_output_tokens >= 0),
  add check (backpressure_delay_seconds between 1 and 86400);
comment on table exora.api_rate_limits is
  'Limits and prices of each API; null = unlimited. Prices are the list prices of 2026 and are there to be corrected.';
update exora.api_rate_limits set usd_per_million_input_tokens = 0.15, usd_per_million_output_tokens = 0.60
 where (provider_name, api_endpoint) = ('openai', 'gpt-4o-mini');
update exora.api_rate_limits set usd_per_request = 0.0015 where (provider_name, api_endpoint) = ('google', 'vision-api');

create table exora.api_profile_limits (
  api                  integer not null references exora.api_rate_limits (api) on delete cascade,
  profile              text not null check (profile ~ '^[a-z0-9][a-z0-9_.:-]{0,62}$'),
  requests_per_minute  integer check (requests_per_minute > 0),
  tokens_per_minute    integer check (tokens_per_minute > 0),
  concurrent_requests  integer check (concurrent_requests > 0),
  primary key (api, profile)
);
comment on table exora.api_profile_limits is
  'A share of an API for callers that name a profile, within the limits of the whole; null = unlimited.';

create table exora.api_state (
  api               integer primary key references exora.api_rate_limits (api) on delete cascade,
  closed_kind       text check (closed_kind in ('throttled', 'down', 'closed', 'recovering')),
  closed_reason     text,
  closed_until      timestamptz,
  closed_by         text,
  closed_why        text,
  granted_since     integer not null default 0,
  throttles         smallint not null default 0,
  trips             smallint not null default 0,
  counted_since     timestamptz,
  succeeded         integer not null default 0,
  failed            integer not null default 0,
  narrowed_requests integer not null default 0,
  narrowed_tokens   integer not null default 0,
  narrowed_until    timestamptz,
  pressed_until     timestamptz
) with (fillfactor = 50);
comment on table exora.api_state is
  'What the providers have said. throttled: closed until then, by itself; down: the breaker is open, from closed_until on
half-open; closed: until a person acts; recovering: open again since closed_until. closed_by, closed_why: of the last person
who closed it. granted_since counts the grants of a recovery. pressed_until: some limit was nearly reached a moment ago. Its
row lock makes grants of one API take turns.';

create table exora.api_window (
  api       integer not null,
  tick      bigint not null,
  profile   text not null,
  requests  integer not null,
  tokens    bigint not null,
  primary key (api, tick, profile)
) with (fillfactor = 50);
comment on table exora.api_window is
  'Calls by when they had reached the provider at the latest, in ticks of 200 ms (rounded up); each counts for 60 s.';

drop table exora.api_reservations;
create table exora.api_reservations (
  id                uuid primary key,
  api               integer not null references exora.api_rate_limits (api) on delete cascade,
  profile           text not null,
  holder            text not null,
  tokens            bigint not null check (tokens >= 0),
  microusd          bigint not null check (microusd >= 0),
  granted_at        timestamptz not null,
  sent_by           timestamptz not null,
  lease_expires_at  timestamptz not null
) with (fillfactor = 70);
create index api_reservations_api on exora.api_reservations (api, granted_at);
comment on table exora.api_reservations is
  'Capacity of single calls under way. Each counts as a request until 60 s after sent_by, unless settled before, and as
concurrency until settled or lapsed. Settled ones are gone from here and stand in api_window.';

create table exora.api_holders (
  api               integer not null references exora.api_rate_limits (api) on delete cascade,
  profile           text not null,
  holder            text not null,
  seq               bigint not null,
  requests          integer not null,
  tokens            bigint not null,
  microusd          bigint not null,
  slots             integer not null,
  waiting           integer not null,
  hungry            boolean not null,
  urgency           real not null,
  least_tokens      bigint not null,
  got_requests      integer not null,
  got_tokens        bigint not null,
  got_microusd      bigint not null,
  allotted          integer not null,
  synced_at         timestamptz not null,
  sent_by           timestamptz not null,
  lease_expires_at  timestamptz not null,
  primary key (api, profile, holder)
) with (fillfactor = 50);
comment on table exora.api_holders is
  'One row per worker and API: the block it holds (calls under way and units still to spend), what it waits for, and the
answer to its last sync, for a repeat. Counts as api_reservations do.';

create table exora.api_costs (
  api       integer not null references exora.api_rate_limits (api) on delete cascade,
  day       date not null,
  microusd  bigint not null,
  primary key (api, day)
) with (fillfactor = 50);
comment on table exora.api_costs is 'Money spent per API and day (UTC), in millionths of a US dollar.';

create table exora.job_type_needs (
  job_type          text not null references exora.job_types,
  api               integer not null references exora.api_rate_limits (api) on delete cascade,
  requests_per_job  real not null default 1 check (requests_per_job > 0),
  tokens_per_job    real not null default 0 check (tokens_per_job >= 0),
  primary key (job_type, api)
);
comment on table exora.job_type_needs is
  'Which APIs a job of a type calls, and how much of each on average: claims and enqueues look at those first.';

create table exora.api_estimates (
  api        integer not null references exora.api_rate_limits (api) on delete cascade,
  kind       text not null check (kind ~ '^[a-z0-9][a-z0-9_.:-]{0,62}$'),
  samples    bigint not null,
  mean       real not null,
  deviation  real not null,
  primary key (api, kind)
);
comment on table exora.api_estimates is
  'What a call of a kind has used: smoothed mean and smoothed mean deviation, as RFC 6298 estimates round trips.';

alter table exora.api_window set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table exora.api_reservations set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table exora.api_holders set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
alter table exora.api_state set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
