"""Row 15: documents that unpack without end, and more large documents at once than there is memory for.

A bomb costs its own job, with a reason, and never the worker. Documents are let into memory by their size: fifty large
ones at once take no more than the room there is.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import sys
import zlib
from pathlib import Path

import pytest
from pypdfium2 import PdfDocument

from exora.app import open_services
from exora.domain.job import JobState
from exora.errors import DocumentTooLarge, ProcessingLimit
from exora.testing.processes import WorkerProcess
from exora.testing.sandbox import Sandbox
from tests.documents.test_bad_files import bomb
from tests.documents.test_pages import NOTE, pdf, text
from tests.documents.word_files import docx

from .crew import ROOT
from .reader import MIB, ROOM_BYTES
from .report import Row

LARGE, LARGE_BYTES = 50, 5 * MIB
#: What the worker may take beside its room: the pieces that an allocator does not give back.
BESIDE_BYTES = 64 * MIB


async def reader(dsn: str) -> WorkerProcess:
    """Start the worker."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.reader", dsn,
        cwd=ROOT, stderr=asyncio.subprocess.PIPE, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    return WorkerProcess(process)


def most_memory(worker: WorkerProcess) -> int:
    """The most resident memory the worker's own process has had."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def page_bomb() -> bytes:
    """A PDF whose page's content unpacks to a quarter of a gigabyte."""
    squeezer = zlib.compressobj(9)
    packed = b"".join(squeezer.compress(b"q Q " * (MIB // 4)) for _ in range(256)) + squeezer.flush()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 600]/Contents 4 0 R>>",
        b"<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(packed), packed),
    ]
    file = b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (at, body) for at, body in enumerate(objects, 1))
    return file + b"trailer<</Root 1 0 R/Size 5>>\n%%EOF"


def word_bomb() -> bytes:
    """A DOCX of half a megabyte whose text unpacks to half a gigabyte."""
    return docx(parts={"word/document.xml": b" " * 512 * MIB})


def large(draw: random.Random) -> bytes:
    """A PDF of a page and five megabytes that cannot be packed."""
    document, file = PdfDocument(pdf(text(NOTE))), io.BytesIO()
    document.new_attachment("x.bin").set_data(draw.randbytes(LARGE_BYTES))
    document.save(file)
    return file.getvalue()


@pytest.mark.row(15)
@pytest.mark.xdist_group("memory-15")
async def test_bombs_and_large_documents_do_not_fill_the_memory(sandbox: Sandbox, row: Row) -> None:
    row.lease_s = 10
    await sandbox.hurry(lease_s=row.lease_s)
    patient = await sandbox.patient()
    async with open_services(sandbox.dsn) as services, sandbox.connect() as db:
        worker = await reader(sandbox.dsn)
        await worker.says("worker_started", 60)
        for _ in range(row.scale):
            first = (await services.submit(pdf(text(NOTE + str(row.draw.random()))), patient)).job.job_id
            await sandbox.ended([first], 60)
            before = most_memory(worker)
            bombs = [
                (await services.submit(content, patient)).job.job_id
                for content in (bomb(30_000, 20_000), page_bomb(), word_bomb())
            ]
            row.fault(len(bombs))
            jobs = [(await services.submit(large(row.draw), patient)).job.job_id for _ in range(LARGE)]
            views = await sandbox.ended([*bombs, *jobs], 120)
            taken = most_memory(worker) - before
            print(
                f"worker: {before / MIB:.0f} MiB, and {taken / MIB:.0f} for {LARGE} x {LARGE_BYTES / MIB:.0f} at once"
            )
            assert worker.alive
            assert taken < ROOM_BYTES + BESIDE_BYTES < LARGE * LARGE_BYTES
            ends = {view.job_id: view for view in views}
            assert {ends[job].state for job in jobs} == {JobState.COMPLETED}
            assert {ends[job].crash_count for job in (*bombs, *jobs)} == {0}
            reasons = {(ends[job].error_details or {}).get("code") for job in bombs}
            assert reasons <= {DocumentTooLarge.code, ProcessingLimit.code}, reasons
        assert await worker.drain() == 0
        known = [found["id"] for found in await db.fetch("select id from public.job_queue")]
        await row.check(db, known)
