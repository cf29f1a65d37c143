"""Reads files as a job does: through child processes, one at a time, with both local engines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from exora.documents.ocr.local import LocalOcr, second_pool
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits, PageText
from exora.errors import ExoraError


@dataclass(frozen=True)
class Read:
    """What became of one file: its pages or an error, and the wall seconds that took."""

    pages: Sequence[PageText]
    error: ExoraError | None
    seconds: float


#: What words a page has must not depend on how busy the machine is that scores them.
PATIENT = DocumentLimits(page_wall_s=1800.0)


def read_files(contents: Iterable[bytes], *, second: bool = True, limits: DocumentLimits = PATIENT) -> Iterator[Read]:
    """Read files one after another.

    Args:
        contents: the files.
        second: whether poor pages go to the second engine too.
        limits: what one file may cost.
    """
    loop = asyncio.new_event_loop()
    pool, heavy = ChildPool(1), second_pool(limits)
    ocr = LocalOcr(heavy if second else None)

    async def read(content: bytes) -> Read:
        started = time.monotonic()
        try:
            pages = await read_pages(content, pool=pool, ocr=ocr, limits=limits, key="file")
        except ExoraError as error:
            return Read((), error, time.monotonic() - started)
        return Read(pages, None, time.monotonic() - started)

    async def start() -> None:
        await pool.start()
        await heavy.start()

    async def close() -> None:
        await pool.close()
        await heavy.close()

    try:
        loop.run_until_complete(start())
        for content in contents:
            yield loop.run_until_complete(read(content))
    finally:
        loop.run_until_complete(close())
        loop.close()
