"""The command line on a real database: what a user sees from the first patient to the record."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from fhir.resources.R4B.bundle import Bundle

from exora.dev.examples import examples
from exora.domain.record import Record
from exora.testing.processes import worker

from .cli import exora

pytestmark = pytest.mark.xdist_group("processes")


@contextlib.asynccontextmanager
async def processed(dsn: str, *files: str) -> AsyncIterator[list[dict[str, object]]]:
    """Examples submitted for one patient and waited for."""
    patient = (await exora("patients", "add", DATABASE_URL=dsn)).out.strip()
    paths = [str(example.path) for example in examples() if example.file in files]
    async with worker(dsn):
        ran = await exora("submit", *paths, "--patient", patient, "--wait", "--json", DATABASE_URL=dsn)
    assert ran.code == 0, ran.err
    yield ran.json


async def test_from_patient_to_record(embedded_dsn: str) -> None:
    async with processed(embedded_dsn, "medication-list.pdf", "lab-report.pdf") as submitted:
        assert [item["status"] for item in submitted] == ["completed", "completed"]
        job_id = str(submitted[0]["job_id"])

        listed = (await exora("jobs", "list", "--json", DATABASE_URL=embedded_dsn)).json
        assert {item["job_id"] for item in listed} == {item["job_id"] for item in submitted}

        shown = (await exora("jobs", "show", job_id, "--json", DATABASE_URL=embedded_dsn)).json
        assert [event["event"] for event in shown["timeline"]] == [
            "job_enqueued", "job_claimed", "document_opened", "record_stored", "job_completed",
        ]  # fmt: skip

        record = await exora("record", job_id, "--json", DATABASE_URL=embedded_dsn)
        assert Record.model_validate_json(record.out).document.pages >= 1

        bundle = await exora("record", job_id, "--fhir", DATABASE_URL=embedded_dsn)
        assert Bundle.model_validate_json(bundle.out).type == "collection"

        for command in (("jobs", "list"), ("jobs", "show", job_id), ("record", job_id), ("patients", "list")):
            ran = await exora(*command, DATABASE_URL=embedded_dsn)
            assert (ran.code, ran.err) == (0, "")
            assert ran.out.strip()


async def test_submitting_again_is_a_duplicate_unless_its_job_was_cancelled(embedded_dsn: str) -> None:
    patient = (await exora("patients", "add", DATABASE_URL=embedded_dsn)).out.strip()
    path = str(next(example.path for example in examples()))
    arguments = ("submit", path, "--patient", patient, "--json")
    [first] = (await exora(*arguments, DATABASE_URL=embedded_dsn)).json
    await exora("jobs", "cancel", first["job_id"], "--yes", DATABASE_URL=embedded_dsn)
    twice = ("submit", path, "-", "--patient", patient, "--json")  # the same bytes, once from stdin
    [second, third] = (await exora(*twice, stdin=Path(path).read_bytes(), DATABASE_URL=embedded_dsn)).json
    assert [item["outcome"] for item in (first, second, third)] == ["accepted", "accepted", "duplicate"]
    assert first["job_id"] != second["job_id"] == third["job_id"]
    db = await asyncpg.connect(embedded_dsn)
    await db.fetch("select claim_jobs_v3('w', gen_random_uuid(), array['shell_file_processing'])")
    await db.close()
    [fourth] = (await exora(*arguments, DATABASE_URL=embedded_dsn)).json
    assert (fourth["outcome"], fourth["status"]) == ("duplicate", "processing")  # what became of it, not "pending"


async def test_a_dead_letter_is_understood_and_redriven(embedded_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n" + bytes(500))
    patient = (await exora("patients", "add", DATABASE_URL=embedded_dsn)).out.strip()
    arguments = ("submit", str(tmp_path / "broken.pdf"), "--patient", patient, "--wait", "--json")
    async with worker(embedded_dsn):
        ran = await exora(*arguments, DATABASE_URL=embedded_dsn)
    assert ran.code == 1
    [item] = ran.json
    assert item["status"] == "failed"
    assert f"{item['job_id']}: the document is no readable PDF" in ran.err
    shown = await exora("jobs", "show", item["job_id"], DATABASE_URL=embedded_dsn)
    assert "document_corrupt" in shown.out
    assert "exora jobs redrive" in shown.out
    redriven = await exora("jobs", "redrive", item["job_id"], "--json", DATABASE_URL=embedded_dsn)
    assert redriven.json == {"redriven": 1}


async def test_a_lane_is_paused_and_a_waiting_job_cancelled(embedded_dsn: str) -> None:
    patient = (await exora("patients", "add", DATABASE_URL=embedded_dsn)).out.strip()
    path = str(next(example.path for example in examples()))
    [item] = (await exora("submit", path, "--patient", patient, "--json", DATABASE_URL=embedded_dsn)).json
    assert (await exora("lanes", "pause", "standard_queue", "--json", DATABASE_URL=embedded_dsn)).json["changed"]
    assert "paused since" in (await exora("lanes", "list", DATABASE_URL=embedded_dsn)).out
    assert "was paused already" in (await exora("lanes", "pause", "standard_queue", DATABASE_URL=embedded_dsn)).out
    explained = await exora("jobs", "explain", item["job_id"], DATABASE_URL=embedded_dsn)
    assert "Open it: exora lanes resume standard_queue" in explained.out
    assert "is open" in (await exora("lanes", "resume", "standard_queue", DATABASE_URL=embedded_dsn)).out
    unasked = await exora("jobs", "cancel", item["job_id"], DATABASE_URL=embedded_dsn)
    assert (unasked.code, "Add --yes" in unasked.err) == (2, True)
    cancelled = await exora("jobs", "cancel", item["job_id"], "--yes", "--why", "sent twice", DATABASE_URL=embedded_dsn)
    assert cancelled.out == "Cancelled.\n"
    explained = await exora("jobs", "explain", item["job_id"], "--json", DATABASE_URL=embedded_dsn)
    assert "(sent-twice)" in explained.json["sentence"]
    again = await exora("jobs", "cancel", item["job_id"], "--yes", "--json", DATABASE_URL=embedded_dsn)
    assert again.json == {"answer": "cancelled"}


async def test_access_is_granted_and_revoked(embedded_dsn: str) -> None:
    patient, user = (await exora("patients", "add", DATABASE_URL=embedded_dsn)).out.strip(), str(uuid4())
    for command, changed in (("grant", True), ("grant", False), ("revoke", True), ("revoke", False)):
        ran = await exora("patients", command, patient, user, "--json", DATABASE_URL=embedded_dsn)
        assert (ran.json["access"], ran.json["changed"]) == (command == "grant", changed)


async def test_migrating_from_the_command_line(embedded_dsn: str) -> None:
    assert (await exora("migrate", "--json", DATABASE_URL=embedded_dsn)).json == {
        "versions": [], "code_renewed": False,
    }  # fmt: skip
    assert (await exora("migrate", "--check", DATABASE_URL=embedded_dsn)).code == 0


async def test_the_demo_completes_every_document_with_nothing_configured(tmp_path: Path) -> None:
    ran = await exora("demo", "--ephemeral", "--json", within_s=240)
    assert ran.code == 0, ran.err
    shown = json.loads(ran.out)
    assert shown["completed"] is True
    assert {item["file"] for item in shown["documents"]} == {example.file for example in examples()}
    assert all(item["items"] > 0 and item["pages"] > 0 for item in shown["documents"])
    assert len({item["patient"] for item in shown["documents"]}) >= 3


async def test_text_from_standard_input() -> None:
    ran = await exora("analyze", "-", "--text", "--json", stdin=b"Medications:\n- Metformin 500 mg PO BID\n")
    record = Record.model_validate_json(ran.out)
    [medication] = record.medications
    assert (medication.name.lower(), medication.source.box) == ("metformin", None)
    assert medication.source.start is not None


async def test_every_command_explains_itself() -> None:
    commands = (
        "", "demo", "worker", "submit", "jobs", "jobs list", "jobs show", "jobs redrive", "jobs cancel", "jobs explain",
        "jobs hold", "jobs retry", "workers", "dead list", "dead show", "dead redrive", "dead export", "queue stats",
        "audit show", "audit export", "lanes",
        "lanes list", "lanes pause", "record", "analyze", "patients", "migrate", "audit", "audit verify", "dev",
        "doctor", "test connection", "settings", "promote", "patients grant", "jobs enqueue",
    )  # fmt: skip
    for ran in await asyncio.gather(*(exora(*command.split(), "--help") for command in commands)):
        assert ran.code == 0
        assert "Usage" in ran.out
