"""What operators do from the command line: dead letters, the audit trail, the queue at a glance; each act signed."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from exora.coordination.port import Coordinator
from exora.domain.job import EnqueueRequest, JobState, job_number
from exora.domain.operations import Act, quantile
from exora.domain.outcome import Dead, ErrorInfo
from tests.acceptance.cli import Ran, exora
from tests.conformance.conftest import FAILURE, Client

OTHER = ErrorInfo("CorruptDocument", "document_corrupt", "the document is damaged. Scan it again", "beef")


async def die(client: Client, count: int, error: ErrorInfo) -> None:
    """Make so many dead letters of one error."""
    await client.enqueue(count, patient=uuid4())
    for job in await client.claim(count):
        await client.settle(job, Dead(error))


async def test_dead_letters_are_listed_shown_exported_and_redriven(client: Client, dsn: str, tmp_path: Path) -> None:
    await die(client, 3, OTHER)
    await die(client, 2, FAILURE)

    async def run(*arguments: str) -> Ran:
        return await exora(*arguments, DATABASE_URL=dsn)

    listed = (await run("dead", "list", "--json")).json
    assert [(group["fingerprint"], group["jobs"], group["code"]) for group in listed] == [
        ("beef", 3, "document_corrupt"), ("f00d", 2, "unexpected"),
    ]  # fmt: skip
    shown = await run("dead", "show", "beef")
    assert "the document is damaged. Scan it again" in shown.out
    assert "exora dead redrive --fingerprint beef" in shown.out

    file = tmp_path / "dead.ndjson"
    assert "5 dead letter(s) exported" in (await run("dead", "export", "--output", str(file))).err
    letters = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(letters) == 5
    assert all("patient" not in str(letter) for letter in letters)

    assert "Add --yes" in (await run("dead", "redrive", "--all")).err
    redriven = await run(
        "dead", "redrive", "--fingerprint", "beef", "--yes", "--why", "scanner mended", "--by", "alice"
    )
    assert redriven.out == "3 job(s) redriven.\n"
    assert (await run("dead", "redrive", "--all", "--yes", "--json")).json == {"redriven": 2}
    shown = await run("audit", "show", "--event", "job_redriven", "--json")
    assert [event["detail"].get("why") for event in shown.json] == [None, None, *["scanner-mended"] * 3]


async def test_what_dies_again_is_not_redriven_for_ever(client: Client) -> None:
    await die(client, 3, OTHER)
    moved, until = await client.coordinator.redrive_group("beef", None, 2)
    for job in await client.claim(2):
        await client.settle(job, Dead(OTHER))
    rest, _ = await client.coordinator.redrive_group("beef", until, 2)
    assert (moved, rest) == (2, 1)


async def test_the_trail_is_shown_exported_and_its_verification_noted(
    client: Client, coordinator: Coordinator, dsn: str
) -> None:
    await client.enqueue(30)
    await coordinator.pause_lane("report_generation", True, Act("alice", "INC-1"))
    exported = await exora("audit", "export", DATABASE_URL=dsn)
    events = [json.loads(line) for line in exported.out.splitlines()]
    assert len(events) == 31
    assert [event["event"] for event in events if event["event"] != "job_enqueued"] == ["lane_paused"]
    assert sorted(event["event_id"] for event in events) == sorted({event["event_id"] for event in events})
    verified = await exora("audit", "verify", "--json", DATABASE_URL=dsn)
    assert verified.json["events"] == 31
    state = await coordinator.audit_state()
    assert (state.checked_events, state.findings, state.anchored) == (31, 0, False)
    newest = (await exora("audit", "show", "--limit", "1", "--json", DATABASE_URL=dsn)).json
    assert [event["event"] for event in newest] == ["lane_paused"], "looking must not change what is looked at"


async def test_the_queue_at_a_glance(client: Client, dsn: str) -> None:
    await client.enqueue(7)
    watched = await exora("queue", "stats", "--watch", "--every", "0.2", "--looks", "2", DATABASE_URL=dsn)
    assert (watched.code, "report_generation" in watched.out) == (0, True)
    found = (await exora("queue", "stats", "--json", DATABASE_URL=dsn)).json
    assert next(lane["ready"] for lane in found["lanes"] if lane["lane"] == "report_generation") == 7
    assert "No worker has reported" in (await exora("workers", DATABASE_URL=dsn)).out


class TestPaging:
    @pytest.mark.parametrize(("state", "jobs"), [(None, 60), (JobState.PENDING, 35), (JobState.FAILED, 25)])
    async def test_pages_meet_without_gap_or_repetition(
        self, client: Client, state: JobState | None, jobs: int
    ) -> None:
        await die(client, 25, OTHER)
        await client.enqueue(25)
        await client.coordinator.enqueue([EnqueueRequest("audit_cleanup", {})] * 10)
        seen, before = [], None
        while page := await client.coordinator.list_jobs(state=state, before=before, limit=7):
            seen += [job.job_id for job in page]
            before = page[-1].job_id
        assert len(seen) == len(set(seen)) == jobs
        assert seen == sorted(seen, key=job_number, reverse=True)

    async def test_a_lane_and_an_error_are_found(self, client: Client) -> None:
        await die(client, 3, OTHER)
        await die(client, 2, FAILURE)
        await client.coordinator.enqueue([EnqueueRequest("audit_cleanup", {})] * 4)
        assert len(await client.coordinator.list_jobs(lane="audit_cleanup")) == 4
        assert len(await client.coordinator.list_jobs(fingerprint="beef")) == 3
        assert len(await client.coordinator.list_jobs(fingerprint="beef", lane="audit_cleanup")) == 0


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([0, 0, 0], 0.5, None),
        ([4, 0, 0], 0.5, 0.5),
        ([0, 4, 0], 0.5, 1.5),
        ([0, 0, 1], 0.5, 2.0),
        ([2, 2, 0], 0.75, 1.5),
    ],
)
def test_a_quantile_is_interpolated_within_its_bucket(counts: list[int], share: float, expected: float | None) -> None:
    assert quantile(counts, (1.0, 2.0), share) == expected
