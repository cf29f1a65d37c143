"""How fast digital pages are read, and how much memory a worker full of them takes."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import os
import signal
import sys
import time
from pathlib import Path
from uuid import UUID, uuid4

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from exora.app import Services, migrate_schema, open_services
from exora.dev.embedded import EmbeddedPostgres
from exora.documents.page_reader import open_document, prepare_page
from exora.domain.document import DocumentLimits
from quality.registry import Measures, Run, scored
from quality.rendered import wrapped

_PAGES = 20
_JOBS = 50
_SAMPLE_S = 0.05
_END_S = 600.0


@scored("reading", "mtsamples")
def score_reading(run: Run) -> Measures:
    """Digital pages read to words and boxes per CPU second, the opening of each document included."""
    limits = DocumentLimits()
    documents = [_document(run, number) for number in range(min(run.limit or 10, 10))]
    prepare_page(documents[0], 1, limits)
    started = time.process_time()
    pages = 0
    for content in documents:
        for number in range(1, open_document(content, limits).pages + 1):
            pages += bool(prepare_page(content, number, limits).page.words)
    return {"digital_pages_per_s": pages / (time.process_time() - started)}


@scored("memory", "mtsamples")
def score_memory(run: Run) -> Measures:
    """Fifty different digital PDFs of twenty pages, all at once in one worker: the peak of all its processes."""
    return asyncio.run(_measure([_document(run, number) for number in range(min(run.limit or _JOBS, _JOBS))]))


def _document(run: Run, number: int) -> bytes:
    """A digital PDF of twenty pages of report text, different for each number."""
    with (run.folder("mtsamples") / "mtsamples.csv").open(encoding="utf-8") as file:
        reports = [row["transcription"] for row in csv.DictReader(file) if row["transcription"]]
    lines = [line for report in reports[number:] for line in wrapped(report)][: 50 * _PAGES]
    content = io.BytesIO()
    canvas = Canvas(content, pagesize=letter, invariant=True)
    for page in range(_PAGES):
        canvas.setFont("Helvetica", 10)
        for row, line in enumerate(lines[50 * page : 50 * (page + 1)]):
            canvas.drawString(54, 740 - 13 * row, line)
        canvas.drawString(54, 40, f"document {number} page {page + 1}")
        canvas.showPage()
    canvas.save()
    return content.getvalue()


async def _measure(documents: list[bytes]) -> Measures:
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
                started = time.monotonic()
                rss, pss = await _peak(services, jobs, worker.pid)
                seconds = time.monotonic() - started
            finally:
                worker.send_signal(signal.SIGTERM)
                await worker.wait()
            views = await services.coordinator.get_jobs(jobs)
    done = sum(view.state.value == "completed" for view in views)
    return {
        "peak_rss_mb": rss / 1e6,
        "peak_pss_mb": pss / 1e6,
        "jobs": len(documents),
        "completed": done,
        "pages_per_s": done * _PAGES / seconds,
    }


async def _peak(services: Services, jobs: list[UUID], pid: int) -> tuple[int, int]:
    """The highest sums of resident and of proportional memory over a process and those it started, until all ended."""
    rss = pss = 0
    # A machine too busy to finish in time still tells its peak; the jobs completed are told with it.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_END_S):
            while True:
                sizes = [_memory(each) for each in _family(pid)]
                rss = max(rss, sum(size[0] for size in sizes))
                pss = max(pss, sum(size[1] for size in sizes))
                if all(view.state.final for view in await services.coordinator.get_jobs(jobs)):
                    break
                await asyncio.sleep(_SAMPLE_S)
    return rss, pss


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for each in found:
        try:
            found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
        except (OSError, ValueError):
            continue
    return found


def _memory(pid: int) -> tuple[int, int]:
    """Resident and proportional set size in bytes; zeros once the process has ended."""
    try:
        rows = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
    except OSError:
        return 0, 0
    sizes = {row[0]: int(row[1]) * 1024 for row in rows if row[0] in ("Rss:", "Pss:")}
    return sizes.get("Rss:", 0), sizes.get("Pss:", 0)
