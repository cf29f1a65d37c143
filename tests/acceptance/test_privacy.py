"""Nothing of a patient gets into logs, job rows, errors or the audit: canaries through every path."""

from __future__ import annotations

import io
import json
from uuid import uuid4

import pytest
from reportlab.pdfgen.canvas import Canvas

from exora.domain.record import Record
from exora.testing.processes import until, worker
from tests.faults.system import all_final, submit_examples, system

pytestmark = pytest.mark.xdist_group("processes")

#: The tables that dashboards, logs and operators read.
OPEN_TABLES = ("jobs", "job_errors", "job_archive", "dead_letters", "audit_events", "claims", "running", "documents",
               "api_reservations", "patients")  # fmt: skip


def canary_pdf() -> bytes:
    """A document whose every word is a canary."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.setTitle("CANARYTITLE")
    for line, text in enumerate(
        ["Patient: Xanthippe Quillfeather", "MRN: 998877665", "Medications: Canaryzole 500 mg twice daily"]
    ):
        canvas.drawString(72, 700 - 20 * line, text)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


async def test_no_word_of_a_document_leaves_the_records(embedded_dsn: str) -> None:
    async with system(embedded_dsn) as (services, db):
        jobs = await submit_examples(services)
        patient = uuid4()
        await services.coordinator.register_patient(patient)
        jobs.append((await services.submit(canary_pdf(), patient)).job.job_id)
        broken = canary_pdf()[:400] + b"Xanthippe Quillfeather" * 50
        jobs.append((await services.submit(broken, patient)).job.job_id)
        environment = {
            "LOG_LEVEL": "debug",
            "DEBUG": "*",
            "VERBOSE": "true",
            "NODE_DEBUG": "*",
            "DEBUG_QUERIES": "true",
        }
        async with worker(embedded_dsn, **environment) as running:
            await until(lambda: all_final(services, jobs))
            await running.ends(15)
        assert len(running.lines()) > 2 * len(jobs)

        canaries = {"Xanthippe", "Quillfeather", "998877665", "Canaryzole", "CANARYTITLE"}
        for row in await db.fetch("select record from exora.records"):
            record = Record.model_validate(json.loads(row["record"]))
            canaries |= {word for word in (record.patient.name or "").split() if len(word) > 3}
            canaries |= {identifier.value for identifier in record.patient.identifiers if len(identifier.value) > 5}
            canaries |= {medication.name for medication in record.medications if len(medication.name) > 8}
        assert len(canaries) > 10

        seen = {"log": running.log.decode()}
        for table in OPEN_TABLES:
            seen[table] = str([dict(row) for row in await db.fetch(f"select * from exora.{table}")])
        seen["job_queue"] = str([dict(row) for row in await db.fetch("select * from public.job_queue")])
        leaks = [
            (place, canary) for place, text in seen.items() for canary in canaries if canary.lower() in text.lower()
        ]
        assert leaks == []

        # And every line of a job carries its correlation id.
        expected = {
            str(row["uuid"]): str(row["correlation_id"])
            for row in await db.fetch("select *, exora.job_uuid(id, created_at) as uuid from exora.jobs")
        }
        lines = [line for line in running.lines() if "job_id" in line]
        assert {line["job_id"] for line in lines} == set(expected)
        assert all(expected[str(line["job_id"])] == line["correlation_id"] for line in lines)
        assert not [line for line in running.lines() if "dropped_keys" in line]
