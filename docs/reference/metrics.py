"""Writes metrics.md from a scrape of a worker that did one job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from prometheus_client.core import Metric

from exora.domain.capacity import ApiCapacity
from exora.domain.job import ClaimedJob, Fence, LaneStats
from exora.domain.outcome import Completed
from exora.http.metrics import Metrics
from exora.http.watch import Picture
from exora.observe.calls import LATENCY_BOUNDS, RATIO_BOUNDS, CallTally
from exora.observe.tally import BOUNDS, Tally

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Metrics

What `/metrics` of every worker says, in Prometheus' text format. [How to scrape it](../howto/monitor.md), with the
alert rules and the board.

This page is made by `make reference`.
"""
_OWN = """
## Of this worker

Its own, from its start: sum them over workers.
"""
_SHARED = """
## Of the whole system

The same whichever worker is asked: take the maximum. The picture is at most five seconds old.
"""
_PROCESS = """
## Of its process

As every Prometheus client has them.
"""
_SHARED_NAMES = ("exora_database_", "exora_queue_", "exora_lane_", "exora_workers", "exora_capacity_")
_TABLE = "\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n"


def reference() -> str:
    """The page."""
    families = list(_scrape())
    shared = [one for one in families if one.name.startswith(_SHARED_NAMES)]
    process = [one for one in families if one.name.startswith("process_")]
    own = [one for one in families if one not in shared and one not in process]
    return f"{_HEAD}{_OWN}{_table(own)}\n{_buckets()}{_SHARED}{_table(shared)}{_PROCESS}{_table(process)}"


def _buckets() -> str:
    bounds = {
        "Jobs' seconds": BOUNDS,
        "API calls' seconds": LATENCY_BOUNDS,
        "Reserved tokens over used": RATIO_BOUNDS,
    }
    said = (f"{what}: {', '.join(f'{bound:g}' for bound in values)}." for what, values in bounds.items())
    return "Buckets of the histograms. " + " ".join(said) + "\n"


def _scrape() -> list[Metric]:
    """Every family with at least one sample, so that its labels show."""
    tally = Tally()
    fence = Fence(UUID(int=1), 1, UUID(int=2))
    job = ClaimedJob(fence, "t", "l", {}, 0, 5, 5, UUID(int=3), 30.0, 120.0, 3600.0)
    tally.ended(job, Completed({"pages": 1, "ocr": "tesseract"}), 0.1)
    calls = CallTally()
    api_calls = calls.of("p", "e")
    api_calls.deny("requests_per_minute")
    api_calls.fail("provider_unavailable")
    live = SimpleNamespace(
        worker_id="w",
        version="1",
        state="working",
        slots=1,
        active_jobs=0,
        heartbeat_age_s=0.0,
        listening=True,
        tally=tally,
        calls=calls,
    )
    api = ApiCapacity("p", "e", "available", None, None, 1, 2, 1, 2, 1, 2, 0.1, 1.0, 0, 1, "active")
    lane = LaneStats("l", 1, 0, 0, 0, 0, 1.0, None, None)
    metrics = Metrics(cast(Any, live))
    metrics.render(Picture(fault=None, lanes=[lane], capacity=[api]))
    return list(metrics._registry.collect())


def _table(families: list[Metric]) -> str:
    return _TABLE + "".join(_rows(families))


def _rows(families: list[Metric]) -> Iterator[str]:
    for one in families:
        labels = sorted({label for sample in one.samples for label in sample.labels} - {"le"})
        shown = ", ".join(f"`{label}`" for label in labels)
        name = f"{one.name}_total" if one.type == "counter" else one.name
        yield f"| `{name}` | {one.type} | {shown} | {one.documentation} |\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
