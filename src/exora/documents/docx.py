"""Reads a Word document (DOCX): its text with the columns of its tables, and its larger pictures."""

from __future__ import annotations

import functools
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from exora.documents.layout import Layout, table_lines, text_page
from exora.documents.markup import parse_xml
from exora.domain.document import DocumentLimits, PageText
from exora.errors import CorruptDocument, DocumentTooLarge, EncryptedDocument, UnsupportedFormat

ENGINE = "docx"

#: Namespaces of ECMA-376 in its transitional and its strict form.
_WORD = (
    "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}",
    "{http://purl.oclc.org/ooxml/wordprocessingml/main}",
)
_MAX_MEMBERS = 5_000
#: A picture of fewer bytes is a logo, a bullet or a signature, not a scanned page.
_PICTURE_BYTES = 20_000
_PICTURE_PREFIXES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*", b"BM", b"GIF8")
_SKIPPED = frozenset({"del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "tblPr", "tblGrid", "trPr"})


class Contents(NamedTuple):
    """What a DOCX holds: its text, and pictures large enough to be pages."""

    text: str
    pictures: tuple[bytes, ...]


def count_docx_pages(content: bytes, limits: DocumentLimits) -> int:
    """One page of text, and one for each larger picture.

    Raises:
        CorruptDocument, DocumentTooLarge, EncryptedDocument, UnsupportedFormat: it cannot be read.
    """
    return 1 + len(_contents(content, limits).pictures)


def read_docx_text(content: bytes, limits: DocumentLimits) -> PageText:
    """The text as one page whose words have no boxes."""
    return text_page(_contents(content, limits).text, ENGINE, limits)


def docx_picture(content: bytes, number: int, limits: DocumentLimits) -> bytes:
    """The picture that is page ``number`` (from 2): an image file of its own."""
    return _contents(content, limits).pictures[number - 2]


@functools.lru_cache(maxsize=1)
def _contents(content: bytes, limits: DocumentLimits) -> Contents:
    package = _Package(content, limits)
    main = package.main_part()
    root = parse_xml(package.read(main))
    around = {
        role: [parse_xml(package.read(name)) for name in package.siblings(main, role)]
        for role in ("header", "footnotes", "endnotes", "footer")
    }
    layout = Layout(limits.max_text_chars)
    for part in [*around["header"], root, *around["footnotes"], *around["endnotes"], *around["footer"]]:
        layout.lines(_block_lines(part))
        layout.gap()
    return Contents(layout.text(), tuple(package.pictures(main)))


class _Package:
    """The ZIP archive: members are unpacked in memory, within one limit for all together."""

    def __init__(self, content: bytes, limits: DocumentLimits) -> None:
        self._left = limits.max_unpacked_bytes
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
            raise CorruptDocument("the document is no readable DOCX") from None
        self._names = set(self._zip.namelist())
        if len(self._names) > _MAX_MEMBERS:
            raise DocumentTooLarge(f"the document has more than {_MAX_MEMBERS} parts")

    def read(self, name: str) -> bytes:
        """One member. The declared size is not believed: what comes out is counted."""
        try:
            member = self._zip.getinfo(name)
            if member.flag_bits & 1:
                raise EncryptedDocument("the document opens only with a password")
            with self._zip.open(member) as stream:
                unpacked = stream.read(self._left + 1)
        except KeyError:
            raise CorruptDocument("the document lacks one of its parts") from None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
            raise CorruptDocument("a part of the document cannot be unpacked") from None
        self._left -= len(unpacked)
        if self._left < 0:
            raise DocumentTooLarge("the document unpacks to more bytes than any real one")
        return unpacked

    def _related(self, relations: str) -> Iterator[tuple[str, str]]:
        """(kind, target) of a relationships part; those that point outside the file are left out."""
        if relations not in self._names:
            return
        for relation in parse_xml(self.read(relations)):
            if relation.get("TargetMode", "Internal").lower() == "internal":
                yield relation.get("Type", "").rsplit("/", 1)[-1], relation.get("Target", "")

    def main_part(self) -> str:
        """The name of the part with the document's text."""
        for kind, target in self._related("_rels/.rels"):
            if kind == "officeDocument":
                return target.lstrip("/")
        raise UnsupportedFormat("the document is a ZIP archive without a Word document in it")

    def siblings(self, main: str, role: str) -> Iterator[str]:
        """Parts of one role that the main part refers to, each once."""
        folder, name = posixpath.split(main)
        found = self._related(f"{folder}/_rels/{name}.rels")
        names = (posixpath.normpath(posixpath.join("/", folder, target))[1:] for kind, target in found if kind == role)
        yield from (name for name in dict.fromkeys(names) if name in self._names)

    def pictures(self, main: str) -> Iterator[bytes]:
        """Raster pictures of the main part that are large enough to be a page."""
        for name in self.siblings(main, "image"):
            if self._zip.getinfo(name).file_size >= _PICTURE_BYTES:
                picture = self.read(name)
                if picture.startswith(_PICTURE_PREFIXES):
                    yield picture


def _name(element: Element) -> str:
    """The element's name without namespace."""
    return element.tag.rpartition("}")[2]


def _value(element: Element | None, attribute: str = "val") -> str | None:
    if element is None:
        return None
    return next((found for space in _WORD if (found := element.get(space + attribute)) is not None), None)


def _child(element: Element | None, name: str) -> Element | None:
    if element is None:
        return None
    return next((child for child in element if _name(child) == name), None)


def _block_lines(block: Element) -> Iterator[str]:
    """Lines of the paragraphs and tables in an element."""
    for child in block:
        match _name(child):
            case "p":
                yield from _paragraph_lines(child)
            case "tbl":
                yield from table_lines(_table_rows(child))
                yield ""
            case name if name not in _SKIPPED:
                yield from _block_lines(child)


def _paragraph_lines(paragraph: Element) -> Iterator[str]:
    """A paragraph's lines, then those of text boxes anchored in it."""
    pieces: list[str] = []
    boxes: list[Element] = []
    _collect(paragraph, pieces, boxes)
    lines = "".join(pieces).split("\n")
    properties = _child(paragraph, "pPr")
    if _child(properties, "numPr") is not None and lines[0].strip():
        lines[0] = f"- {lines[0]}"
    yield from lines
    for box in boxes:
        yield from _block_lines(box)


def _collect(element: Element, pieces: list[str], boxes: list[Element]) -> None:
    """The text of an element's runs: insertions kept, deletions, field codes and hidden text left out."""
    for child in element:
        match _name(child):
            case "t":
                pieces.append(child.text or "")
            case "tab" | "ptab":
                pieces.append("\t")
            case "br" | "cr":
                pieces.append("\n")
            case "noBreakHyphen":
                pieces.append("-")
            case "checked" | "checkBox":
                pieces.append("[x] " if _value(_child(child, "checked") or child) in (None, "1", "true") else "[ ] ")
            case "txbxContent":
                boxes.append(child)
            case "r" if _is_hidden(child):
                pass
            case name if name not in _SKIPPED:
                _collect(child, pieces, boxes)


def _is_hidden(run: Element) -> bool:
    vanish = _child(_child(run, "rPr"), "vanish")
    return vanish is not None and _value(vanish) not in ("0", "false")


def _table_rows(table: Element) -> Iterator[list[list[str]]]:
    """Rows of cells; a cell over several columns leaves the others empty."""
    for row in _descend(table, "tr"):
        cells: list[list[str]] = []
        for cell in _descend(row, "tc"):
            properties = _child(cell, "tcPr")
            merged = _child(properties, "vMerge")
            continues = merged is not None and _value(merged) != "restart"
            lines = [] if continues else [line.replace("\t", "   ") for line in _block_lines(cell) if line.strip()]
            span = _value(_child(properties, "gridSpan")) or "1"
            cells.append(lines)
            cells.extend([] for _ in range(min(int(span), 100) - 1 if re.fullmatch("[0-9]{1,4}", span) else 0))
        yield cells


def _descend(element: Element, wanted: str) -> Iterable[Element]:
    """Children of one name, also inside content controls and insertions."""
    for child in element:
        name = _name(child)
        if name == wanted:
            yield child
        elif name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"):
            yield from _descend(child, wanted)
