"""exora analyze: one file to a record, with no queue and no database."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from exora.cli.output import JsonOption, err, out, print_whole, read_file, run
from exora.cli.show import print_record
from exora.documents.analysis.local import analyze_text
from exora.documents.analyze import add_coded_entries, analyze_pages
from exora.documents.ocr.local import LocalOcr, second_pool
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits
from exora.domain.record import Record
from exora.errors import BadInput, EmptyDocument


def analyze(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A document; with --text, plain text. - reads stdin.")],
    text: Annotated[bool, typer.Option("--text", help="FILE is plain UTF-8 text.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Analyze one document on this machine and print its record. Nothing is stored or sent."""
    content = read_file(file)
    record = _from_text(content) if text else run(_from_document(content))
    if as_json:
        print_whole(record.to_json(indent=2))
    else:
        print_record(out, record)


def _from_text(content: bytes) -> Record:
    if not content:
        raise EmptyDocument("the document has no content")
    try:
        return analyze_text(content.decode("utf-8-sig"), sha256=hashlib.sha256(content).hexdigest())
    except UnicodeDecodeError:
        raise BadInput("the text is not UTF-8", field="FILE", remedy="Convert it, or leave out --text") from None


async def _from_document(content: bytes) -> Record:
    limits = DocumentLimits()
    sha256 = hashlib.sha256(content).hexdigest()
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar: TaskID = progress.add_task("reading pages", total=None)
        async with ChildPool(address_space_bytes=limits.address_space_bytes) as pool, second_pool(limits) as second:
            pages = await read_pages(
                content,
                pool=pool,
                ocr=LocalOcr(second),
                limits=limits,
                key=sha256,
                on_page=lambda done, total: progress.update(bar, completed=done, total=total),
            )
            progress.update(bar, description="analyzing", total=None)
            record = await analyze_pages(pages, sha256=sha256, pool=pool, limits=limits, key=sha256)
            return await add_coded_entries(record, content, pool=pool, limits=limits, key=sha256)
