-- Users and rows: who may see which patient, row level security everywhere, and views for users of Supabase.

create table exora.patient_access (
  user_id     uuid not null,
  patient_id  uuid not null references exora.patients on delete cascade,
  granted_at  timestamptz not null default clock_timestamp(),
  primary key (user_id, patient_id)
);
create index patient_access_patient on exora.patient_access (patient_id);
comment on table exora.patient_access is 'Which signed-in user (auth.users.id in Supabase) may see which patient.';

-- Users read by document, too: another argument.
drop function if exists public.get_record_v3(uuid);
