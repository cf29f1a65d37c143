"""How much memory a worker full of long documents takes, all its processes together."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

from exora.app import Services, migrate_schema, open_services
from exora.dev.embedded import EmbeddedPostgres
from quality.registry import Measures, Run, scored
from quality.rendered import PAGES, long_document

_JOBS = 50
_SAMPLE_S = 0.2
_END_S = 1200.0
#: Moments of the run that are printed.
_SHOWN = 12


class _Sample(NamedTuple):
    """Memory at one moment, in bytes: of all processes, resident and proportional, and of the worker itself."""

    seconds: float
    processes: int
    rss: int
    pss: int
    own: int
    done: int


@scored("memory", "mtsamples")
def score_memory(run: Run) -> Measures:
    """Fifty different digital PDFs of twenty pages, all at once in one worker: the peak of all its processes.

    Whatever the limit: fewer documents take less memory.
    """
    documents = [long_document(run, number) for number in range(_JOBS)]
    samples, engines = asyncio.run(_measure(documents))
    done, seconds = samples[-1].done, samples[-1].seconds
    run.notes.append("MB resident over time: " + ", ".join(map(_shown, _spread(samples))))
    run.notes.append("loaded: " + (", ".join(sorted(engines)) or "neither Tesseract nor onnxruntime"))
    return {
        "peak_rss_mb": max(sample.rss for sample in samples) / 1e6,
        "peak_pss_mb": max(sample.pss for sample in samples) / 1e6,
        "worker_peak_rss_mb": max(sample.own for sample in samples) / 1e6,
        "jobs": len(documents),
        "unfinished": len(documents) - done,
        "pages_per_s": done * PAGES / seconds,
    }


async def _measure(documents: Sequence[bytes]) -> tuple[list[_Sample], set[str]]:
    """Samples while a worker of its own works through the documents, and the engines its processes loaded."""
    with EmbeddedPostgres(ephemeral=True, settings={"fsync": "off"}) as server:
        await migrate_schema(server.dsn)
        async with open_services(server.dsn) as services:
            patient = uuid4()
            await services.coordinator.register_patient(patient)
            jobs = [(await services.submit(content, patient)).job.job_id for content in documents]
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "exora.cli.main", "worker", "--concurrency", str(_JOBS)),
                env={"PATH": os.environ["PATH"], "DATABASE_URL": server.dsn, "PORT": "0", "LOG_LEVEL": "error"},
                stdin=asyncio.subprocess.DEVNULL,
                cwd="/",
            )
            try:
                return await _watched(services, jobs, worker.pid)
            finally:
                worker.send_signal(signal.SIGTERM)
                await worker.wait()


async def _watched(services: Services, jobs: list[UUID], pid: int) -> tuple[list[_Sample], set[str]]:
    """Samples of a process and all it started, until every job has ended."""
    samples: list[_Sample] = []
    engines: set[str] = set()
    started = time.monotonic()
    # A machine too busy to finish in time still tells its peak; what did not finish is told with it.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            while True:
                family = _family(pid)
                sizes = [_memory(each) for each in family]
                views = await services.coordinator.get_jobs(jobs)
                done = sum(view.state.value == "completed" for view in views)
                rss, pss = (sum(size[part] for size in sizes) for part in (0, 1))
                samples.append(_Sample(time.monotonic() - started, len(family), rss, pss, sizes[0][0], done))
                engines.update(name for each in family for name in _engines(each))
                if all(view.state.final for view in views):
                    break
                await asyncio.sleep(_SAMPLE_S)
    return samples, engines


def _spread(samples: Sequence[_Sample]) -> list[_Sample]:
    """A dozen of the samples, evenly spread, and the highest."""
    highest = max(samples, key=lambda sample: sample.rss)
    step = max(len(samples) // _SHOWN, 1)
    return sorted({*samples[::step], highest, samples[-1]})


def _shown(sample: _Sample) -> str:
    return f"{sample.rss / 1e6:.0f} in {sample.processes} at {sample.seconds:.0f} s"


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def _memory(pid: int) -> tuple[int, int]:
    """Resident and proportional set size in bytes; zeros once the process has ended."""
    try:
        rss = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0, 0
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        # Only root may look so closely at the children.
        return rss, rss
    return rss, next((int(row.split()[1]) * 1024 for row in rows if row.startswith("Pss:")), rss)


def _engines(pid: int) -> set[str]:
    """Engines of recognition that a process has loaded."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return set()
    return {name for name, file in (("Tesseract", "tesserocr"), ("onnxruntime", "onnxruntime")) if file in maps}
