"""Recognition and analysis are paid once per patient: a retry or another upload computes nothing it has."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from exora.app import open_services
from exora.documents import analyze
from exora.documents.handler import DocumentHandler, DocumentJob
from exora.documents.ocr.local import LocalOcr
from exora.documents.ocr.port import OcrResult, Picture, Pictures, Report
from exora.documents.pool import ChildPool
from exora.domain.job import JobState
from exora.errors import CoordinationError, DocumentError
from tests.documents.test_ocr import scanned
from tests.worker.conftest import Bench

FIRST, SECOND = "Lisinopril 20 mg daily", "Metformin 500 mg twice daily"


def document(*scans: str) -> bytes:
    """A PDF with one digital page, then one page for each scan."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(612, 792), invariant=True)
    canvas.drawString(72, 700, f"Discharge summary with {len(scans)} enclosures")
    canvas.showPage()
    for text in scans:
        canvas.drawImage(ImageReader(scanned(text, dpi=150)), 0, 0, 612, 792)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


class CountingOcr:
    """The local engine, counted; it breaks down once after ``breaks_after`` pictures."""

    def __init__(self) -> None:
        self._local = LocalOcr()
        self.calls: Counter[str] = Counter()
        self.breaks_after: int | None = None

    @property
    def name(self) -> str:
        return self._local.name

    async def recognize(self, wanted: Sequence[Picture], pictures: Pictures, report: Report) -> None:
        async def count(picture: Picture, outcome: OcrResult | DocumentError) -> None:
            await report(picture, outcome)
            self.calls[picture.sha256] += 1
            if self.calls.total() == self.breaks_after:
                self.breaks_after = None
                raise CoordinationError("the engine is not to be had")

        for picture in wanted:
            await self._local.recognize([picture], pictures, count)


@pytest.fixture
def ocr() -> CountingOcr:
    return CountingOcr()


@pytest.fixture
def analyses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents whose analysis was computed."""
    done: list[str] = []
    run = ChildPool.run

    async def counted(pool: ChildPool, function: object, *args: object, **options: object) -> object:
        if function is analyze.record_json:
            done.append(str(args[1]))
        return await run(pool, function, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ChildPool, "run", counted)
    return done


@pytest.fixture
async def bench(bench: Bench, ocr: CountingOcr) -> AsyncIterator[Bench]:
    db = await asyncpg.connect(bench.dsn)
    await db.execute("update exora.job_types set backoff_base_s = 0.01")
    await db.close()
    async with open_services(bench.dsn) as services, ChildPool(1) as pool:
        handler = DocumentHandler(services.storage, pool, ocr, services.limits)
        bench.registry.add("shell_file_processing", handler, DocumentJob)
        yield bench


async def process(bench: Bench, content: bytes, patient: UUID) -> int:
    """Upload and process a document; returns the attempts it took."""
    async with open_services(bench.dsn) as services:
        await services.coordinator.register_patient(patient)
        submitted = await services.submit(content, patient)
        view = await bench.until(submitted.job.job_id, lambda view: view.state.final)
    assert view.state is JobState.COMPLETED, view.last_error
    return view.attempt


async def test_a_retry_recognizes_only_what_the_first_attempt_did_not(
    bench: Bench, ocr: CountingOcr, analyses: list[str]
) -> None:
    ocr.breaks_after = 1
    async with bench.worker():
        assert await process(bench, document(FIRST, SECOND), uuid4()) == 2
    assert sorted(ocr.calls.values()) == [1, 1]
    assert len(analyses) == 1


async def test_the_same_page_in_another_upload_is_not_recognized_again(
    bench: Bench, ocr: CountingOcr, analyses: list[str]
) -> None:
    patient = uuid4()
    async with bench.worker():
        await process(bench, document(FIRST), patient)
        await process(bench, document(SECOND, FIRST), patient)
        assert sorted(ocr.calls.values()) == [1, 1]
        assert len(analyses) == 2


async def test_the_same_document_again_pays_nothing(bench: Bench, ocr: CountingOcr, analyses: list[str]) -> None:
    patient = uuid4()
    async with bench.worker():
        for _ in range(2):
            await process(bench, document(FIRST), patient)
    assert ocr.calls.total() == 1
    assert len(analyses) == 1


async def test_another_patients_steps_are_never_used(bench: Bench, ocr: CountingOcr, analyses: list[str]) -> None:
    async with bench.worker():
        for patient in (uuid4(), uuid4()):
            await process(bench, document(FIRST), patient)
    assert list(ocr.calls.values()) == [2]
    assert len(analyses) == 2
