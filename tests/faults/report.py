"""The fault matrix as a pytest plugin: seed and rows by option, what each row counted as a table and a file."""

from __future__ import annotations

import json
import random
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from exora.testing.invariants import check_invariants
from exora.testing.processes import WorkerProcess

#: What each row breaks, in the order of the matrix.
TITLES = {
    1: "workers killed",
    2: "crash at a named point",
    3: "server stopped at once, killed",
    4: "backends terminated",
    5: "replies cut after COMMIT",
    6: "slow, reset, swallowed network",
    7: "workers frozen",
    8: "clocks wrong and jumping",
    9: "pooler killed, reconnecting",
    10: "duplicate enqueues",
    11: "limiter overrun, holders killed",
    12: "disk full",
    13: "provider faults",
    14: "SIGTERM",
    15: "memory and page bombs",
    16: "poison handlers",
    17: "audit insert fails",
    18: "two versions, migration, restore",
    19: "any order of verbs",
}
#: Beyond its lease, a claim may wait so long until it is anybody's again.
SLACK_S = 5.0
_PROPERTY = "row"
_OUTPUT = Path("build/faults.json")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of ``make faults``."""
    group = parser.getgroup("faults")
    group.addoption("--rows", default="", help="rows of the fault matrix to run, such as 3,7; default: all")
    group.addoption("--fault-seed", type=int, default=None, help="repeat a run by the seed it printed")
    group.addoption("--scale", type=int, default=1, help="times the quick numbers")


def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed, once for all processes."""
    given = getattr(config, "workerinput", {}).get("fault_seed", config.getoption("--fault-seed"))
    config.stash[_SEED] = random.SystemRandom().randrange(2**32) if given is None else given


_SEED = pytest.StashKey[int]()
_SUMS = pytest.StashKey[list[dict[str, Any]]]()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the seed to the processes of pytest-xdist."""
    node.workerinput["fault_seed"] = node.config.stash[_SEED]


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin to sum up."""
    session.config.stash[_SUMS] = []
    session.config.pluginmanager.register(_Collector(session.config.stash[_SUMS]))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out rows that were not asked for."""
    wanted = {int(text) for text in config.getoption("--rows").split(",") if text}
    if wanted:
        left_out = [item for item in items if not {mark.args[0] for mark in item.iter_markers("row")} & wanted]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@dataclass(frozen=True, slots=True)
class _Death:
    """A worker's end: when, and what it held."""

    at: datetime
    jobs: list[int]
    attempts: list[int]


@dataclass(slots=True)
class Row:
    """What a test of a row counts.

    Attributes:
        number: of the row.
        scale: times the quick numbers.
        draw: drawn from this and nothing else, a run can be repeated.
        lease_s: of claims in this test.
        faults: how often something was broken.
        jobs: how many had been acknowledged.
        lost, duplicated: acknowledged jobs that are gone, and completions beyond the first.
        recoveries: seconds from each fault until what it hit was free for others again, or went on.
    """

    number: int
    scale: int
    draw: random.Random
    lease_s: float = 2.0
    faults: int = 0
    jobs: int = 0
    lost: int = 0
    duplicated: int = 0
    recoveries: list[float] = field(default_factory=list)
    _deaths: list[_Death] = field(default_factory=list)

    def fault(self, times: int = 1) -> None:
        """Something was broken."""
        self.faults += times

    def recovered(self, seconds: float) -> None:
        """What a fault hit goes on; fails when that took longer than the lease and five seconds."""
        self.recoveries.append(seconds)
        assert seconds <= self.lease_s + SLACK_S, f"recovered after {seconds:.1f} s with a lease of {self.lease_s:g} s"

    async def hits(self, db: asyncpg.Connection, worker: WorkerProcess) -> int:
        """Note what a worker holds, right before it is broken; ``check`` tells when that was free again."""
        worker_id = (await worker.says("worker_started"))["worker_id"]
        rows = await db.fetch("select job, attempt from exora.running where worker_id = $1", worker_id)
        now = await db.fetchval("select clock_timestamp()")
        self._deaths.append(_Death(now, [row["job"] for row in rows], [row["attempt"] for row in rows]))
        self.fault()
        return len(rows)

    async def check(self, db: asyncpg.Connection, acknowledged: Collection[UUID]) -> None:
        """Count what was lost or done twice, and assert all invariants.

        Args:
            db: a connection of the owner.
            acknowledged: ids of all jobs whose enqueue was answered.
        """
        known = {row["id"] for row in await db.fetch("select exora.job_uuid(id, created_at) as id from exora.jobs")}
        self.jobs += len(set(acknowledged))
        self.lost += len(set(acknowledged) - known)
        self.duplicated += await db.fetchval(
            "select coalesce(sum(n - 1), 0)::int from (select count(*) as n from exora.audit_events"
            " where event = 'job_completed' group by job) c"
        )
        assert (self.lost, self.duplicated) == (0, 0)
        await check_invariants(db, acknowledged)
        for death in self._deaths:
            freed = await db.fetchval(
                "select max(e.at) from exora.audit_events e, unnest($1::bigint[], $2::int[]) as h (job, attempt)"
                " where e.job = h.job and e.attempt = h.attempt and e.event <> 'job_claimed'",
                death.jobs,
                death.attempts,
            )
            if freed is not None:
                self.recovered((freed - death.at).total_seconds())
        self._deaths.clear()


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Iterator[Row]:
    """The row of the matrix that this test belongs to."""
    mark = request.node.get_closest_marker("row")
    assert mark is not None, "mark the test with its row: @pytest.mark.row(3)"
    seed = request.config.stash[_SEED]
    print(f"--fault-seed={seed}")
    found = Row(mark.args[0], request.config.getoption("--scale"), random.Random(f"{seed} {request.node.nodeid}"))
    yield found
    sums = {name: getattr(found, name) for name in ("number", "faults", "jobs", "lost", "duplicated", "recoveries")}
    request.node.user_properties.append((_PROPERTY, json.dumps(sums)))


class _Collector:
    """Gathers what the tests counted, wherever they ran."""

    def __init__(self, sums: list[dict[str, Any]]) -> None:
        self._sums = sums

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            found = [json.loads(str(text)) for name, text in report.user_properties if name == _PROPERTY]
            self._sums += [{**sums, "test": report.nodeid} for sums in found]
        elif report.failed:
            self._sums.append({"test": report.nodeid, "failed": True})


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table and write the file."""
    sums = config.stash[_SUMS]
    counted = [one for one in sums if "number" in one]
    if not counted or hasattr(config, "workerinput"):
        return
    failed = {one["test"] for one in sums if one.get("failed")}
    rows = [_row(number, [one for one in counted if one["number"] == number], failed) for number in TITLES]
    rows = [found for found in rows if found["tests"]]
    terminalreporter.section(f"fault matrix, seed {config.stash[_SEED]}")
    terminalreporter.write_line(
        f"{'row':>3} {'what breaks':36} {'tests':>5} {'faults':>7} {'jobs':>7} {'lost':>5} {'twice':>5}"
        f" {'p50 s':>6} {'max s':>6}"
    )
    for found in rows:
        p50, most = (f"{found[name]:6.2f}" if found[name] is not None else "     -" for name in ("p50_s", "max_s"))
        terminalreporter.write_line(
            f"{found['row']:>3} {found['title']:36} {found['tests']:>5} {found['faults']:>7} {found['jobs']:>7}"
            f" {found['lost']:>5} {found['duplicated']:>5} {p50} {most}{'  FAILED' if found['failed'] else ''}"
        )
    _OUTPUT.parent.mkdir(exist_ok=True)
    _OUTPUT.write_text(json.dumps({"seed": config.stash[_SEED], "rows": rows}, indent=2) + "\n")


def _row(number: int, sums: list[dict[str, Any]], failed: set[str]) -> dict[str, Any]:
    """The sums of a row over its tests."""
    total: dict[str, int] = defaultdict(int)
    for one in sums:
        for name in ("faults", "jobs", "lost", "duplicated"):
            total[name] += one[name]
    recoveries = [seconds for one in sums for seconds in one["recoveries"]]
    return {
        "row": number,
        "title": TITLES[number],
        "tests": len(sums),
        **{name: total[name] for name in ("faults", "jobs", "lost", "duplicated")},
        "p50_s": round(statistics.median(recoveries), 3) if recoveries else None,
        "max_s": round(max(recoveries), 3) if recoveries else None,
        "failed": sorted(one["test"] for one in sums if one["test"] in failed),
    }
