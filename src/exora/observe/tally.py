"""Counts of what this process did, lane by lane: what /metrics shows and what a worker reports.

Paid by every job, so it is plain lists and one lookup; nothing here locks or allocates per job.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from time import time
from typing import Any

from exora.domain.job import ClaimedJob
from exora.domain.outcome import DONE, Cancelled, Completed, Dead, Outcome, Release, Retry, Snooze
from exora.observe.usage import UsageLog

#: Upper bounds of the histograms in seconds; a last bucket holds what is longer. As exora.minute_bounds() has them.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

_OUTCOMES: dict[type[Outcome], str] = {
    Completed: "completed",
    Retry: "retried",
    Dead: "dead",
    Cancelled: "cancelled",
    Snooze: "snoozed",
    Release: "released",
}
#: Outcomes that a report carries; the others end no attempt for good.
_REPORTED = ("completed", "retried", "dead", "cancelled")


class LaneWork:
    """What was done in one lane since the process began.

    Attributes:
        outcomes: attempts by how they ended, as their handlers said; a retry past the job's budget is a dead letter.
        runs, run_s: histogram and sum of the seconds attempts took.
        waits, wait_s: the same from enqueue to the first start (so a job scheduled for later counts its whole delay).
        pages: pages of documents read, by OCR engine.
    """

    __slots__ = ("job_type", "lane", "outcomes", "pages", "run_s", "runs", "wait_s", "waits")

    def __init__(self, lane: str, job_type: str) -> None:
        self.lane = lane
        self.job_type = job_type
        self.outcomes = dict.fromkeys(_OUTCOMES, 0)
        self.runs = [0] * (len(BOUNDS) + 1)
        self.waits = [0] * (len(BOUNDS) + 1)
        self.run_s = 0.0
        self.wait_s = 0.0
        self.pages: dict[str, int] = {}

    def count(self, job: ClaimedJob, outcome: Outcome) -> tuple[str, int]:
        """Count how an attempt ended, and the pages of a document whose result names them; answers both."""
        spent = isinstance(outcome, Retry) and job.retry_count >= job.max_retries
        kind = Dead if spent else type(outcome)
        self.outcomes[kind] += 1
        result = outcome.result if isinstance(outcome, Completed) else None
        pages = 0 if result is None else result.get("pages", 0)
        if not isinstance(pages, int):
            pages = 0
        if result is not None and pages:
            engine = str(result.get("ocr", "none"))
            self.pages[engine] = self.pages.get(engine, 0) + pages
        return _OUTCOMES[kind], pages

    def counts(self) -> dict[str, int]:
        """Attempts by the name of their outcome."""
        return {_OUTCOMES[kind]: count for kind, count in self.outcomes.items()}


class Tally:
    """The counts of one process.

    Attributes:
        usage: what jobs used of what costs money.
        claims_lost: attempts whose outcome was not written since another worker had the job by then.
        rescued: claims of lost workers that this process's sweeps took back.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, LaneWork] = {}
        self._reported: dict[str, dict[str, Any]] = {}
        self.usage = UsageLog()
        self.claims_lost = 0
        self.rescued = 0

    @property
    def lanes(self) -> Iterable[LaneWork]:
        """What was done, lane by lane."""
        return self._lanes.values()

    def ended(self, job: ClaimedJob, outcome: Outcome, run_s: float) -> None:
        """An attempt ended."""
        work = self._lanes.get(job.lane) or self._lane(job)
        if outcome is DONE:
            work.outcomes[Completed] += 1
            self.usage.worked(job, "completed", 0, run_s)
        else:
            self.usage.worked(job, *work.count(job, outcome), run_s)
        work.runs[bisect_left(BOUNDS, run_s)] += 1
        work.run_s += run_s
        fence = job.fence
        if fence.attempt == 1:
            # A UUIDv7 holds the milliseconds of its making; the clocks of worker and database may differ.
            wait_s = time() - run_s - (fence.job_id.int >> 80) * 0.001
            work.waits[bisect_left(BOUNDS, wait_s)] += 1
            if wait_s > 0:
                work.wait_s += wait_s

    def lost(self, job: ClaimedJob, run_s: float) -> None:
        """An attempt ended when another worker had the job: what it used is spent all the same."""
        self.claims_lost += 1
        self.usage.worked(job, "lost", 0, run_s)

    def _lane(self, job: ClaimedJob) -> LaneWork:
        work = self._lanes[job.lane] = LaneWork(job.lane, job.job_type)
        return work

    def news(self) -> list[dict[str, Any]]:
        """What was done since the last call, lane by lane, as a report carries it."""
        news = []
        for lane, work in self._lanes.items():
            counts = work.counts()
            now: dict[str, Any] = {name: counts[name] for name in _REPORTED}
            now |= {
                "pages": sum(work.pages.values()),
                "run_s": work.run_s,
                "runs": list(work.runs),
                "waits": list(work.waits),
            }
            before = self._reported.get(lane)
            self._reported[lane] = now
            if before is None:
                news.append({"lane": lane, **now})
            elif before["runs"] != now["runs"]:
                news.append({"lane": lane, **{name: _less(now[name], before[name]) for name in now}})
        return news


def _less(now: Any, before: Any) -> Any:
    return [a - b for a, b in zip(now, before, strict=True)] if isinstance(now, list) else now - before
