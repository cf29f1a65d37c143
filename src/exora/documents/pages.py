"""Reads a document into pages: what needs no recognition first, then the pictures that are left."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import TypeAdapter

from exora.documents.ocr.port import OcrEngine, OcrResult, Picture
from exora.documents.packed import PackedPage, Pages, pack
from exora.documents.page_reader import PreparedPage, finish_page, open_document, page_png, prepare_page
from exora.documents.pool import ChildPool
from exora.documents.sniff import sniff
from exora.documents.turns import a_few_at_a_time
from exora.domain.document import DocumentLimits, PageText
from exora.errors import DocumentError, DocumentTooLarge, ProcessingLimit

R = TypeVar("R")

#: Pages of one document waiting in the pool for each of its children: enough to keep them busy.
_IN_FLIGHT_PER_CHILD = 2
#: After this many pages that ran into a limit the rest is not tried: it would cost as much each.
_MAX_EXHAUSTED_PAGES = 5

_RESULT = TypeAdapter(OcrResult)


class Steps(Protocol):
    """Where results that must not be paid twice are kept, by content address; a job's context is one."""

    async def find_step(self, *parts: str | int) -> dict[str, Any] | None: ...

    async def keep_step(self, *parts: str | int, result: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class _Document:
    """A document being read: where its work runs and what that may cost."""

    content: bytes
    pool: ChildPool
    limits: DocumentLimits
    key: Hashable

    async def run(self, function: Callable[..., R], *arguments: object, pool: ChildPool | None = None) -> R:
        """Run a function in a child within the limits of one page."""
        limits = self.limits
        return await (pool or self.pool).run(
            function, *arguments, key=self.key, cpu_s=limits.page_cpu_s, wall_s=limits.page_wall_s
        )

    async def png(self, picture: Picture) -> bytes:
        """See ``Pictures``."""
        return await self.run(page_png, self.content, picture.number, self.limits)

    async def here(
        self, function: Callable[..., R], picture: Picture, *arguments: object, pool: ChildPool | None = None
    ) -> R:
        """See ``Pictures``."""
        return await self.run(function, self.content, picture.number, self.limits, *arguments, pool=pool)


async def read_pages(
    content: bytes,
    *,
    pool: ChildPool,
    ocr: OcrEngine,
    limits: DocumentLimits,
    key: Hashable,
    steps: Steps | None = None,
    on_page: Callable[[int, int], None] | None = None,
) -> Pages:
    """Read all pages of a document, several at a time, in order.

    A page that cannot be read becomes one without words (1 by 1 in size) whose warning says why.

    Args:
        content: the document.
        pool: runs the work; its own limit of address space applies.
        ocr: recognizes pages without a text layer.
        limits: what the document may cost.
        key: the document's identity in the pool's turns.
        steps: keeps the result of each recognized picture; None keeps nothing.
        on_page: called after each page with pages done and pages in all.

    Raises:
        DocumentError: the document cannot be opened, is over a limit, or none of its pages can be read.
        ExoraError: recognition is not to be had now.
    """
    if len(content) > limits.max_bytes:
        raise DocumentTooLarge(f"the document has more than {limits.max_bytes} bytes")
    sniff(content)
    document = _Document(content, pool, limits, key)
    plan = await document.run(open_document, content, limits)
    pages: dict[int, PackedPage | DocumentError] = {}

    def done(number: int, page: PackedPage | DocumentError) -> None:
        pages[number] = page
        if on_page is not None:
            on_page(len(pages), plan.pages)

    prepared = await _prepare(document, plan.pages, done)
    await _recognize(document, prepared, ocr, steps, done)
    failures = [page for page in pages.values() if isinstance(page, DocumentError)]
    if len(failures) == plan.pages:
        raise failures[0]
    return Pages(
        _unread(number, page) if isinstance(page, DocumentError) else page for number, page in sorted(pages.items())
    )


Done = Callable[[int, PackedPage | DocumentError], None]


async def _prepare(document: _Document, count: int, done: Done) -> dict[int, PreparedPage]:
    """Read all pages without recognition; returns those that need it."""
    open_pages: dict[int, PreparedPage] = {}
    exhausted = 0

    async def prepare(number: int) -> None:
        nonlocal exhausted
        try:
            if exhausted >= _MAX_EXHAUSTED_PAGES:
                raise ProcessingLimit("too many pages of the document ran into a limit")
            prepared = await document.run(prepare_page, document.content, number, document.limits)
        except DocumentError as failure:
            exhausted += isinstance(failure, ProcessingLimit)
            done(number, failure)
            return
        if prepared.picture is None:
            done(number, prepared.page)
        else:
            open_pages[number] = prepared

    await a_few_at_a_time(range(1, count + 1), document.pool.size * _IN_FLIGHT_PER_CHILD, prepare)
    return open_pages


async def _recognize(
    document: _Document, prepared: dict[int, PreparedPage], ocr: OcrEngine, steps: Steps | None, done: Done
) -> None:
    """Have the pictures recognized that no earlier attempt or upload has paid for; finish their pages."""

    async def finish(picture: Picture, outcome: OcrResult | DocumentError) -> None:
        number, page = picture.number, prepared[picture.number]
        if isinstance(outcome, OcrResult):
            done(number, await document.run(finish_page, page, outcome))
        elif page.gaps:
            warning = f"a picture on page {number} could not be read: {outcome.code}"
            done(number, await document.run(finish_page, page, OcrResult((), 0, "none"), (warning,)))
        else:
            done(number, outcome)

    async def report(picture: Picture, outcome: OcrResult | DocumentError) -> None:
        if steps is not None and isinstance(outcome, OcrResult):
            # A page that failed may succeed next time, on a calmer machine: only results are kept.
            await steps.keep_step("ocr", ocr.name, picture.sha256, result=_RESULT.dump_python(outcome, mode="json"))
        await finish(picture, outcome)

    wanted: list[Picture] = []
    for _, page in sorted(prepared.items()):
        assert page.picture is not None
        found = None if steps is None else await steps.find_step("ocr", ocr.name, page.picture.sha256)
        if found is None:
            wanted.append(page.picture)
        else:
            await finish(page.picture, _RESULT.validate_python(found))
    if wanted:
        await ocr.recognize(wanted, document, report)


def _unread(number: int, failure: DocumentError) -> PackedPage:
    return pack(PageText(number, 1, 1, (), "ocr", "none", (f"page {number} could not be read: {failure.code}",)))
