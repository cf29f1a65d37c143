"""The seven functions that deployed callers use: by their own names and argument names, as service_role only."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

PATIENT = UUID("11111111-1111-4111-8111-111111111111")

#: Each call exactly as a deployed caller makes it (PostgREST turns JSON keys into named arguments).
CALLS: dict[str, str] = {
    "enqueue_job_v3": "job_type => 'audit_cleanup', job_name => 'n', job_payload => '{}', job_category => 'standard',"
    " priority => 5, p_scheduled_at => now()",
    "claim_next_job_v3": "p_worker_id => 'w', p_job_types => array['audit_cleanup'], p_job_lanes => null",
    "update_job_heartbeat": f"p_job_id => '{PATIENT}', p_worker_id => 'w'",
    "complete_job": f"p_job_id => '{PATIENT}', p_worker_id => 'w', p_job_result => '{{}}'",
    "reschedule_job": f"p_job_id => '{PATIENT}', p_delay_seconds => 5, p_reason => 'r', p_add_jitter => true",
    "acquire_api_capacity": "p_provider_name => 'openai', p_api_endpoint => 'gpt-4o-mini', p_estimated_tokens => 10",
    "release_api_capacity": "p_provider_name => 'openai', p_api_endpoint => 'gpt-4o-mini', p_estimated_tokens => 10,"
    " p_actual_tokens => 8",
}


def deployed_payload() -> dict[str, Any]:
    """What the deployed edge function sends."""
    return {
        "shell_file_id": str(uuid4()),
        "patient_id": str(PATIENT),
        "storage_path": f"{PATIENT}/scan",
        "mime_type": "application/pdf",
        "file_size_bytes": 8450123,
        "uploaded_filename": "006_Emma_Thompson_HIV.pdf",
        "correlation_id": str(uuid4()),
    }


async def one_row(db: asyncpg.Connection, query: str, *values: Any) -> asyncpg.Record:
    """The one row that a query must answer."""
    [row] = await db.fetch(query, *values)
    return row


async def enqueue(db: asyncpg.Connection, **named: Any) -> asyncpg.Record:
    """Enqueue as a deployed caller does."""
    return await one_row(
        db,
        "select * from public.enqueue_job_v3(job_type => $1, job_name => $2, job_payload => $3, job_category => $4,"
        " priority => $5, p_scheduled_at => $6)",
        named.get("job_type", "ai_processing"),
        named.get("job_name", "Pass 1: 006_Emma_Thompson_HIV.pdf"),
        json.dumps(named.get("payload", deployed_payload())),
        "standard",
        named.get("priority", 5),
        named.get("scheduled_at"),
    )


@pytest.mark.parametrize("function", CALLS)
async def test_service_role_may_call_it(db: asyncpg.Connection, function: str) -> None:
    await db.execute("set role service_role")
    await db.fetch(f"select * from public.{function}({CALLS[function]})")


@pytest.mark.parametrize("role", ["anon", "authenticated"])
@pytest.mark.parametrize("function", CALLS)
async def test_others_may_not_call_it(db: asyncpg.Connection, function: str, role: str) -> None:
    await db.execute(f"set role {role}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.fetch(f"select * from public.{function}({CALLS[function]})")


async def test_a_job_goes_from_enqueue_to_completion(db: asyncpg.Connection) -> None:
    await db.execute("set role service_role")
    answer = await enqueue(db)
    assert answer["outcome"] == "accepted"
    claimed = await one_row(
        db, "select * from claim_next_job_v3('w', array['ai_processing'], array['ai_queue_simple'])"
    )
    assert list(claimed.keys()) == ["job_id", "job_type", "job_payload", "retry_count", "attempt", "claim_token"]
    assert (claimed["job_id"], claimed["retry_count"], claimed["attempt"]) == (answer["job_id"], 0, 1)
    assert await db.fetchval("select update_job_heartbeat($1, 'w')", answer["job_id"])
    assert await db.fetchval("select complete_job($1, 'w', '{\"pages\": 3}')", answer["job_id"])
    row = await one_row(db, "select status, job_result, worker_id from public.job_queue")
    assert (row["status"], json.loads(row["job_result"]), row["worker_id"]) == ("completed", {"pages": 3}, "w")


async def test_a_claim_with_nothing_to_claim_answers_no_row(db: asyncpg.Connection) -> None:
    assert await db.fetch("select * from claim_next_job_v3('w', array['ai_processing'], null)") == []


async def test_another_worker_can_neither_heartbeat_nor_complete(db: asyncpg.Connection) -> None:
    job_id = (await enqueue(db))["job_id"]
    await db.fetch("select * from claim_next_job_v3('w1', array['ai_processing'], null)")
    assert await db.fetchval("select update_job_heartbeat($1, 'w2')", job_id) is False
    assert await db.fetchval("select complete_job($1, 'w2', null)", job_id) is False
    assert await db.fetchval("select status from public.job_queue") == "processing"


async def test_a_second_completion_is_refused(db: asyncpg.Connection) -> None:
    job_id = (await enqueue(db))["job_id"]
    await db.fetch("select * from claim_next_job_v3('w', array['ai_processing'], null)")
    assert await db.fetchval("select complete_job($1, 'w', null)", job_id) is True
    assert await db.fetchval("select complete_job($1, 'w', null)", job_id) is False


async def test_rescheduling_counts_as_a_retry_and_ends(db: asyncpg.Connection) -> None:
    job_id = (await enqueue(db))["job_id"]
    for expected in range(1, 6):
        claim = await one_row(db, "select * from claim_next_job_v3('w', array['ai_processing'], null)")
        assert claim["retry_count"] == expected - 1
        assert await db.fetchval("select reschedule_job($1, 0, 'Jane Roe is ill', false)", job_id) is True
    await db.fetch("select * from claim_next_job_v3('w', array['ai_processing'], null)")
    assert await db.fetchval("select reschedule_job($1, 0, null, false)", job_id) is True
    row = await one_row(db, "select status, dead_letter_cause from public.job_queue")
    assert tuple(row) == ("failed", "exhausted")
    assert "Jane" not in str(await db.fetch("select * from public.job_queue"))
    assert "Jane" not in str(await db.fetch("select * from exora.audit_events"))


async def test_rescheduling_without_a_delay_backs_off_within_bounds(db: asyncpg.Connection) -> None:
    job_id = (await enqueue(db))["job_id"]
    await db.fetch("select * from claim_next_job_v3('w', array['ai_processing'], null)")
    await db.fetchval("select reschedule_job($1, null, null, true)", job_id)
    delay = await db.fetchval("select extract(epoch from due_at - clock_timestamp())::float8 from exora.scheduled")
    assert -1 < delay <= 5 * 1.25


async def test_a_job_that_nobody_processes_cannot_be_rescheduled(db: asyncpg.Connection) -> None:
    job_id = (await enqueue(db))["job_id"]
    assert await db.fetchval("select reschedule_job($1, 5, null, true)", job_id) is False


async def test_file_names_do_not_reach_the_job_row(db: asyncpg.Connection) -> None:
    await enqueue(db)
    row = await one_row(db, "select * from public.job_queue")
    assert row["job_name"] == "Pass 1"
    assert "uploaded_filename" not in json.loads(row["job_payload"])
    assert row["notes"] == ["uploaded_filename"]
    assert "Emma" not in str(dict(row))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"storage_path": "22222222-2222-4222-8222-222222222222/scan"}, "job_payload.storage_path"),
        ({"storage_path": f"{PATIENT}/../22222222/scan"}, "job_payload.storage_path"),
        ({"storage_path": str(PATIENT)}, "job_payload.storage_path"),
        ({"patient_id": None}, "job_payload.patient_id"),
        ({"patient_id": "Jane Roe"}, "job_payload.patient_id"),
        ({"file_size_bytes": "many"}, "job_payload.file_size_bytes"),
        ({"mime_type": "a portrait of Jane"}, "job_payload.mime_type"),
        ({"sha256": "ABC"}, "job_payload.sha256"),
        ({"diagnosis": "HIV"}, "job_payload.diagnosis"),
        ({"Jane Roe": 1}, "(not an identifier)"),
        ({"file_size_bytes": [1] * 9000}, "job_payload"),
    ],
)
async def test_a_payload_that_breaks_the_schema_is_refused_by_field(
    db: asyncpg.Connection, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(asyncpg.PostgresError) as caught:
        await enqueue(db, payload=deployed_payload() | change)
    assert (caught.value.sqlstate, caught.value.detail) == ("PT400", field)
    assert caught.value.hint
    assert "Jane" not in str(caught.value)
    assert await db.fetchval("select count(*) from exora.jobs") == 0


async def test_capacity_is_taken_and_given_back_by_the_original_functions(db: asyncpg.Connection) -> None:
    await db.execute("update exora.api_rate_limits set concurrent_requests = 1 where provider_name = 'google'")
    acquire = "select acquire_api_capacity('google', 'vision-api', 5)"
    assert await db.fetchval(acquire) is True
    assert await db.fetchval(acquire) is False
    # A release that nobody reserved for frees nothing.
    await db.execute("select release_api_capacity('google', 'vision-api', 99, 99)")
    assert await db.fetchval(acquire) is False
    await db.execute("select release_api_capacity('google', 'vision-api', 5, 3)")
    assert await db.fetchval(acquire) is True
