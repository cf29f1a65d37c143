-- Seals over the audit trail: batches of events in hash chains, so that what is changed behind the triggers shows.
--
-- Inserting an event stays as cheap as it was: it only notes its transaction. Sealing comes later and takes the
-- events of transactions that have all ended, in the order (xid, id): ids commit out of order, so a limit on ids
-- would pass over the events of transactions still open.

-- A bigint, since BRIN has no operator class for xid8. pg_current_xact_id() is of 64 bits and does not wrap.
alter table exora.audit_events add column xid bigint not null default (pg_current_xact_id()::text::bigint);
-- Costs an insert nothing to speak of: an unsummarized range is not touched, and only full ones are summarized.
create index audit_events_xid on exora.audit_events using brin (xid) with (pages_per_range = 64);

create table exora.audit_seals (
  chain      smallint not null check (chain between 0 and 15),
  seq        bigint not null check (seq > 0),
  run        bigint not null,
  floor_id   bigint not null,
  from_xid   bigint not null,
  from_id    bigint not null,
  to_xid     bigint not null,
  to_id      bigint not null,
  sealed_at  timestamptz not null,
  events     integer not null,
  ids        bigint[] not null,
  digests    bytea not null,
  prev_hash  bytea not null,
  hash       bytea not null,
  primary key (chain, seq)
);
create index audit_seals_run on exora.audit_seals (run);
-- Digests do not compress; trying would cost time.
alter table exora.audit_seals alter column digests set storage external;
comment on table exora.audit_seals is
  'A run seals the events in (from, to] of (xid, id) with id >= floor_id: a row per chain that has any. ids and'
  ' digests (16 bytes each) name the events in order; hash covers all other columns, prev_hash the seal before.';

create table exora.audit_heads (
  chain   smallint primary key check (chain between 0 and 15),
  seq     bigint not null,
  events  bigint not null,
  hash    bytea not null check (length(hash) = 32)
) with (fillfactor = 50);
comment on table exora.audit_heads is 'The last seal of each chain, and how many events the chain holds.';

create table exora.audit_progress (
  singleton          boolean primary key default true check (singleton),
  run                bigint not null,
  floors             bigint[] not null,
  sealed_xid         bigint not null,
  sealed_id          bigint not null,
  horizon_xid        bigint not null,
  horizon_id         bigint not null,
  highest_id         bigint not null,
  looked_at          timestamptz not null,
  behind             boolean not null,
  summarized_ranges  bigint not null
) with (fillfactor = 50);
comment on table exora.audit_progress is
  'How far sealing is: the end of the last run (sealed), the point up to which nothing is left (horizon), and the'
  ' first id of every count of transactions (floors; a dump restored into another server starts one).';

insert into exora.audit_heads (chain, seq, events, hash)
select c, 0, 0, decode(repeat('00', 32), 'hex') from generate_series(0, 15) c;
insert into exora.audit_progress
values (true, 0, array[-9223372036854775808], 0, 0, 0, 0, 0, '-infinity', false, 0);

create or replace function exora.refuse_audit_change() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception using errcode = 'EX004', message = 'the audit trail is append-only';
end $$;
create trigger audit_append_only before update or delete on exora.audit_seals
  for each row execute function exora.refuse_audit_change();
create trigger audit_no_truncate before truncate on exora.audit_seals
  for each statement execute function exora.refuse_audit_change();
create trigger audit_no_delete before delete on exora.audit_heads
  for each row execute function exora.refuse_audit_change();
create trigger audit_no_truncate before truncate on exora.audit_heads
  for each statement execute function exora.refuse_audit_change();
-- A head only moves on.
create trigger audit_only_forward before update on exora.audit_heads
  for each row when (new.seq is distinct from old.seq + 1 or new.chain <> old.chain or new.events <= old.events)
  execute function exora.refuse_audit_change();
create trigger audit_no_delete before delete on exora.audit_progress
  for each row execute function exora.refuse_audit_change();
create trigger audit_no_truncate before truncate on exora.audit_progress
  for each statement execute function exora.refuse_audit_change();

-- What verification finds. (after_run, before_run) are the runs between which the chain cannot be judged because of it.
create type exora.audit_finding as (
  kind text, chain int, seq bigint, event_id bigint, events bigint, at timestamptz, detail text,
  after_run bigint, before_run bigint
);
