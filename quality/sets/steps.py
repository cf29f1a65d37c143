"""What a retry or another upload pays for again: recognitions and analyses, counted while jobs run."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from reportlab.lib.pagesizes import letter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from exora.app import migrate_schema, open_services
from exora.dev.embedded import EmbeddedPostgres
from exora.documents.analyze import record_json
from exora.documents.handler import DocumentHandler, DocumentJob
from exora.documents.ocr.local import LocalOcr
from exora.documents.ocr.port import OcrResult, Picture, Pictures, Report
from exora.documents.pool import ChildPool
from exora.errors import CoordinationError, DocumentError
from exora.observe.logs import configure_logs
from exora.testing.sandbox import Sandbox
from exora.worker.registry import Registry
from quality.registry import Measures, Run, scored
from quality.rendered import Rendering, render, scan

_JOB_TYPE = "shell_file_processing"


class _Counted:
    """The local engine and the pool that analyzes, counted; recognition breaks down once after two pictures."""

    def __init__(self, pool: ChildPool) -> None:
        self._local = LocalOcr()
        self._run = pool.run
        self.calls: Counter[str] = Counter()
        self.breaks = True
        pool.run = self.run  # type: ignore[method-assign]

    @property
    def name(self) -> str:
        """See ``OcrEngine``."""
        return self._local.name

    async def recognize(self, wanted: Sequence[Picture], pictures: Pictures, report: Report) -> None:
        """See ``OcrEngine``; one picture after the other."""

        async def count(picture: Picture, outcome: OcrResult | DocumentError) -> None:
            self.calls["recognitions"] += 1
            await report(picture, outcome)

        for number, picture in enumerate(wanted):
            if self.breaks and number == 2:
                self.breaks = False
                raise CoordinationError("the engine is not to be had")
            await self._local.recognize([picture], pictures, count)

    async def run(self, function: Any, *arguments: Any, **options: Any) -> Any:
        """``ChildPool.run``."""
        self.calls["analyses"] += function is record_json
        return await self._run(function, *arguments, **options)


@scored("steps")
def score_steps(run: Run) -> Measures:
    """Calls by upload; ``paid_twice`` counts those whose result the patient already had."""
    configure_logs("error")
    return asyncio.run(_score(run))


async def _score(run: Run) -> Measures:
    scans = [
        render(f"Report {number}. Sodium {130 + number} mmol/L. Lisinopril {number} mg daily.", 0)
        for number in range(5)
    ]
    first, second = _document(scans[:4]), _document(scans[1:])
    with EmbeddedPostgres(ephemeral=True, settings={"fsync": "off"}) as server:
        await migrate_schema(server.dsn)
        sandbox = Sandbox(server.dsn)
        async with open_services(server.dsn) as services, ChildPool(1) as pool:
            counted = _Counted(pool)
            sandbox.registry = Registry()
            sandbox.registry.add(
                _JOB_TYPE, DocumentHandler(services.storage, pool, counted, services.limits), DocumentJob
            )

            async def upload(name: str, content: bytes, patient: UUID) -> Counter[str]:
                counted.calls.clear()
                await services.submit(content, patient)
                ended = await sandbox.drain(through_time=True)
                calls = Counter(counted.calls)
                run.notes.append(
                    f"{name}: {len(ended)} attempts, {calls['recognitions']} recognitions, {calls['analyses']} analyses"
                )
                return calls

            one, other = await sandbox.patient(), await sandbox.patient()
            broken = await upload("4 scans, broken off after 2", first, one)
            again = await upload("the same file again", first, one)
            overlapping = await upload("another file with 3 of these scans and 1 new", second, one)
            foreign = await upload("the first file for another patient", first, other)
    return {
        "broken_off_recognitions": broken["recognitions"],
        "again_recognitions": again["recognitions"],
        "again_analyses": again["analyses"],
        "overlapping_recognitions": overlapping["recognitions"],
        "other_patient_recognitions": foreign["recognitions"],
        "paid_twice": broken["recognitions"]
        - 4
        + broken["analyses"]
        - 1
        + again.total()
        + overlapping["recognitions"]
        - 1,
    }


def _document(scans: Sequence[Rendering]) -> bytes:
    """A PDF of scanned pages."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter, invariant=True)
    for each in scans:
        canvas.drawImage(ImageReader(scan(each, 150)), 0, 0, *letter)
        canvas.showPage()
    canvas.save()
    return file.getvalue()
