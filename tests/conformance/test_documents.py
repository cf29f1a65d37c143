"""Documents, records, steps and the audit trail through the port."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from exora.coordination.port import Coordinator
from exora.domain.job import ClaimedJob, SubmitAnswer
from exora.errors import BadInput, Conflict, CoordinationError, LostClaim, NotFound, UnknownPatient

from .conftest import Client

RECORD = {"schema": "exora.record/1"}
FACTS: dict[str, Any] = {"sha256": hashlib.sha256(b"a").hexdigest(), "size_bytes": 1, "media_type": "application/pdf"}


async def submit(coordinator: Coordinator, patient: UUID, content: bytes = b"a") -> SubmitAnswer:
    """Register the patient and submit a document."""
    await coordinator.register_patient(patient)
    sha256 = hashlib.sha256(content).hexdigest()
    return await coordinator.submit_document(
        patient_id=patient, storage_path=f"{patient}/{sha256}", **(FACTS | {"sha256": sha256})
    )


async def claim(client: Client) -> ClaimedJob:
    """Claim the one document job there is."""
    [job] = await client.claim(types=("shell_file_processing",))
    return job


async def test_a_submitted_document_is_a_job_with_references_only(client: Client) -> None:
    patient = uuid4()
    answer = await submit(client.coordinator, patient)
    job = await claim(client)
    assert (job.job_id, job.patient_id) == (answer.job.job_id, patient)
    assert set(job.payload) == {
        "patient_id", "shell_file_id", "storage_path", "mime_type", "file_size_bytes", "sha256", "correlation_id",
    }  # fmt: skip
    assert job.payload["shell_file_id"] == str(answer.document_id)


async def test_the_same_bytes_of_the_same_patient_are_one_document(client: Client) -> None:
    patient = uuid4()
    first = await submit(client.coordinator, patient)
    again = await submit(client.coordinator, patient)
    assert (again.document_id, again.job.job_id, again.job.outcome) == (
        first.document_id, first.job.job_id, "duplicate",
    )  # fmt: skip
    other = await submit(client.coordinator, uuid4())
    assert (other.job.outcome, other.document_id != first.document_id) == ("accepted", True)


async def test_a_document_whose_job_was_cancelled_or_dropped_gets_another(
    client: Client, db: asyncpg.Connection
) -> None:
    patient = uuid4()
    first = await submit(client.coordinator, patient)
    await client.coordinator.cancel(first.job.job_id)
    second = await submit(client.coordinator, patient)
    await client.coordinator.store_record((await claim(client)).fence, RECORD, **FACTS)
    await db.execute("select exora.forget_jobs(array[exora.job_number($1)])", second.job.job_id)  # as retention does
    third = await submit(client.coordinator, patient)
    assert {answer.document_id for answer in (second, third)} == {first.document_id}
    assert [answer.job.outcome for answer in (second, third)] == ["accepted", "accepted"]
    assert len({answer.job.job_id for answer in (first, second, third)}) == 3
    again = await submit(client.coordinator, patient)
    assert (again.job.outcome, again.job.job_id) == ("duplicate", third.job.job_id)


async def test_an_unknown_patient_is_refused_with_the_remedy(client: Client) -> None:
    patient = uuid4()
    with pytest.raises(UnknownPatient, match="no patient") as caught:
        await client.coordinator.submit_document(patient_id=patient, storage_path=f"{patient}/x", **FACTS)
    assert "exora patients add" in caught.value.one_line()
    assert await client.coordinator.list_jobs() == []


async def test_a_path_of_another_patient_is_refused(client: Client) -> None:
    patient = uuid4()
    await client.coordinator.register_patient(patient)
    with pytest.raises(BadInput) as caught:
        await client.coordinator.submit_document(patient_id=patient, storage_path=f"{uuid4()}/x", **FACTS)
    assert caught.value.field == "job_payload.storage_path"


async def test_a_record_is_stored_under_the_current_fence_and_read_back(client: Client) -> None:
    patient = uuid4()
    answer = await submit(client.coordinator, patient)
    job = await claim(client)
    assert await client.coordinator.store_record(job.fence, RECORD, **FACTS) == answer.document_id
    stored = await client.coordinator.get_record(job.job_id)
    assert (stored.document_id, stored.patient_id, stored.record) == (answer.document_id, patient, RECORD)


async def test_a_stale_fence_stores_nothing(client: Client) -> None:
    await submit(client.coordinator, uuid4())
    job = await claim(client)
    with pytest.raises(LostClaim):
        await client.coordinator.store_record(job.fence._replace(claim_token=uuid4()), RECORD, **FACTS)
    with pytest.raises(NotFound):
        await client.coordinator.get_record(job.job_id)


async def test_a_job_cannot_write_into_another_patients_document(client: Client, db: asyncpg.Connection) -> None:
    theirs = await submit(client.coordinator, uuid4())
    await claim(client)
    mine = uuid4()
    await submit(client.coordinator, mine, b"b")
    job = await claim(client)
    await db.execute(
        "update exora.jobs set shell_file_id = $1 where id = exora.job_number($2)", theirs.document_id, job.job_id
    )
    with pytest.raises(Conflict):
        await client.coordinator.store_record(job.fence, RECORD, **FACTS)


async def test_steps_are_kept_per_patient(client: Client) -> None:
    mine, other = uuid4(), uuid4()
    for patient in (mine, other):
        await client.coordinator.register_patient(patient)
    key = hashlib.sha256(b"page").hexdigest()
    assert await client.coordinator.get_step(mine, key) is None
    await client.coordinator.put_step(mine, key, {"text": "first"})
    await client.coordinator.put_step(mine, key, {"text": "second"})
    assert await client.coordinator.get_step(mine, key) == {"text": "first"}
    assert await client.coordinator.get_step(other, key) is None


async def test_every_change_and_access_is_in_the_trail_with_one_correlation(client: Client) -> None:
    answer = await submit(client.coordinator, uuid4())
    job = await claim(client)
    await client.coordinator.log_audit_event(
        "document_opened", correlation_id=job.correlation_id, job_id=job.job_id, worker_id="w1", detail={"pages": 2}
    )
    await client.coordinator.store_record(job.fence, RECORD, **FACTS)
    await client.coordinator.get_record(job.job_id)
    events = await client.coordinator.timeline(job.job_id)
    assert [event.event for event in events] == [
        "job_enqueued", "job_claimed", "document_opened", "record_stored", "record_read",
    ]  # fmt: skip
    assert {event.correlation_id for event in events} == {answer.document_id}


async def test_content_does_not_get_into_the_trail(client: Client) -> None:
    with pytest.raises(BadInput):
        await client.coordinator.log_audit_event(
            "document_opened", correlation_id=uuid4(), detail={"note": "Jane Roe, asthma"}
        )


@pytest.mark.parametrize(
    "statement",
    [
        "update exora.audit_events set event = 'job_completed'",
        "delete from exora.audit_events",
        "truncate exora.audit_events",
    ],
)
async def test_the_trail_cannot_be_changed(client: Client, db: asyncpg.Connection, statement: str) -> None:
    await client.enqueue()
    with pytest.raises(asyncpg.PostgresError) as caught:
        await db.execute(statement)
    assert caught.value.sqlstate == "EX004"


async def test_without_a_trail_there_is_no_change(client: Client, db: asyncpg.Connection) -> None:
    await client.enqueue(2)
    [job] = await client.claim()
    await db.execute(
        "create function pg_temp.refuse() returns trigger language plpgsql as $$ begin raise 'full'; end $$;"
        "create trigger refuse before insert on exora.audit_events for each row execute function pg_temp.refuse()"
    )
    from exora.domain.outcome import Completed

    for attempt in (client.enqueue(), client.claim(), client.settle(job, Completed())):
        with pytest.raises(CoordinationError):
            await attempt
    await db.execute("drop trigger refuse on exora.audit_events")
    assert await client.state(job.job_id) == "processing"
    assert len(await client.coordinator.list_jobs()) == 2
    assert len(await client.claim(5)) == 1
