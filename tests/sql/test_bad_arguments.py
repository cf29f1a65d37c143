"""Arguments that a table does not take are refused by their names: the server's own error would quote the whole row."""

from __future__ import annotations

import json
from uuid import UUID

import asyncpg
import pytest

PATIENT = UUID("11111111-1111-4111-8111-111111111111")
WORDS = "Jane Roe has diabetes"
_SUM = "0" * 64
_STEP = json.dumps({"text": WORDS})
_REPORT = "'w', 1, now(), 'working', '{report_generation}', '{report_generation}'"
_SYNC = "sync_api_capacity_v3('openai', 'gpt-4o-mini', 'w', 1"

#: A call, and the field that its refusal must name.
CALLS = {
    f"put_step_v3('{PATIENT}', 'short', '{_STEP}')": "p_step_key",
    f"put_step_v3('{PATIENT}', null, '{_STEP}')": "p_step_key",
    f"put_step_v3(gen_random_uuid(), '{_SUM}', '{_STEP}')": "p_patient_id",
    f"put_step_v3('{PATIENT}', '{_SUM}', null)": "p_result",
    f"submit_document_v3('{PATIENT}', '{PATIENT}/{WORDS}', 'ABC', 5, 'application/pdf')": "p_sha256",
    f"submit_document_v3('{PATIENT}', '{PATIENT}/{WORDS}', '{_SUM}', -1, 'application/pdf')": "p_size_bytes",
    f"submit_document_v3('{PATIENT}', '{PATIENT}/{WORDS}', '{_SUM}', 5, null)": "p_media_type",
    f"submit_document_v3('{PATIENT}', null, '{_SUM}', 5, 'application/pdf')": "p_storage_path",
    "register_patient_v3(null)": "id",
    f"grant_access_v3(null, '{PATIENT}')": "user_id",
    f"log_audit_event('{WORDS}', gen_random_uuid())": "p_event",
    "log_audit_event('job_seen', null)": "p_correlation_id",
    "note_audit_check_v3(null, 0, false)": "events",
    "put_schedule_v3('nightly', '', 'UTC', now(), 'report_generation')": "schedules_cron_check",
    f"report_worker_v3({_REPORT}, 0, 0, 0, '1.0')": "workers_slots_check",
    f"report_worker_v3({_REPORT}, 1, 0, 0, null)": "version",
    "declare_needs_v3('{ai_processing}',"
    ' \'[{"provider": "openai", "endpoint": "gpt-4o-mini", "requests_per_job": 0}]\')': (
        "job_type_needs_requests_per_job_check"
    ),
    f"observe_api_usage_v3('openai', 'gpt-4o-mini', '{WORDS}', 5)": "api_estimates_kind_check",
    "reserve_api_capacity_v3(null, 'w', 'openai', 'gpt-4o-mini', 5)": "p_reservation_id",
    f"{_SYNC}, p_requests => null)": "p_holder",
    f"{_SYNC}, p_ages_ms => '{{5}}')": "p_ages_ms",
    f"{_SYNC}, p_ages_ms => '{{5}}', p_used_requests => '{{1}}', p_used_tokens => '{{null}}')": "p_ages_ms",
}


async def test_a_refusal_names_the_argument_and_quotes_nothing(db: asyncpg.Connection) -> None:
    await db.execute("select public.register_patient_v3($1)", PATIENT)
    for call, field in CALLS.items():
        with pytest.raises(asyncpg.PostgresError) as refusal:
            await db.fetch(f"select * from public.{call}")
        said = refusal.value
        assert (said.sqlstate, said.detail) == ("PT400", field), (call, said)
        assert said.hint
        assert WORDS not in f"{said.message} {said.detail} {said.hint}"


async def test_an_id_that_is_no_uuid_is_refused_by_name(db: asyncpg.Connection) -> None:
    enqueues = (
        "select * from public.enqueue_job_v3('shell_file_processing', 'n', $1)",
        "select * from public.enqueue_jobs_v3(array['shell_file_processing'], array[$1::jsonb])",
    )
    for field in ("patient_id", "shell_file_id", "correlation_id"):
        for wrong in (str(PATIENT)[:-1], "-" * 36, "-1", str(PATIENT).replace("-4", "a4")):
            payload = {"patient_id": str(PATIENT), "shell_file_id": str(PATIENT)} | {field: wrong}
            payload["storage_path"] = f"{payload['patient_id']}/a"
            for enqueue in enqueues:
                with pytest.raises(asyncpg.PostgresError) as refusal:
                    await db.fetch(enqueue, json.dumps(payload))
                assert (refusal.value.sqlstate, refusal.value.detail) == ("PT400", f"job_payload.{field}")


async def test_no_record_is_stored_of_a_job_without_a_document(db: asyncpg.Connection) -> None:
    await db.execute("select public.register_patient_v3($1)", PATIENT)
    await db.execute(
        "select public.enqueue_job_v3('report_generation', 'n', $1)", json.dumps({"patient_id": str(PATIENT)})
    )
    token = UUID(int=7)
    job = await db.fetchval("select job_id from public.claim_jobs_v3('w', $1, array['report_generation'])", token)
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await db.fetchval("select public.store_record_v3($1, 1, $2, $3, $4, 5, 'text/plain')", job, token, _STEP, _SUM)
    assert refusal.value.sqlstate == "PT400"
    assert WORDS not in f"{refusal.value.message} {refusal.value.detail}"
