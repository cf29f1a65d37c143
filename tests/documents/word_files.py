"""Word documents built part by part, so that a test can say exactly what stands in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_DIGITS = "0123456789"
_EXTERNAL = ' TargetMode="External"'
_RELATIONS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{escape(text)}</w:t></w:r>"


def paragraph(*runs: str, properties: str = "") -> str:
    content = "".join(each if each.startswith("<") else run(each) for each in runs)
    return f"<w:p><w:pPr>{properties}</w:pPr>{content}</w:p>"


def table(*rows: tuple[str, ...]) -> str:
    cells = [[each if each.startswith("<") else paragraph(each) for each in row] for row in rows]
    drawn = ["".join(f"<w:tc>{each}</w:tc>" for each in row) for row in cells]
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in drawn)}</w:tbl>"


def relations(**targets: str) -> str:
    """Relationships by kind; two of one kind are told apart by a number after it."""
    entries = "".join(
        f'<Relationship Id="{kind}" Type="{_OFFICE}/{kind.rstrip(_DIGITS)}" Target="{target}"'
        f"{_EXTERNAL if '://' in target else ''}/>"
        for kind, target in targets.items()
    )
    return f"<Relationships {_RELATIONS}>{entries}</Relationships>"


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file.getvalue()


def docx(*blocks: str, parts: Mapping[str, str | bytes] | None = None, **related: str) -> bytes:
    """A document of some blocks; ``parts`` are added to the archive, ``related`` to the relations of the text."""
    return archive(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": relations(officeDocument="word/document.xml"),
            "word/document.xml": f"<w:document {_W}><w:body>{''.join(blocks)}</w:body></w:document>",
            "word/_rels/document.xml.rels": relations(**related),
            **(parts or {}),
        }
    )


def part(name: str, *blocks: str) -> str:
    """A header, footer or notes part."""
    return f"<w:{name} {_W}>{''.join(blocks)}</w:{name}>"
