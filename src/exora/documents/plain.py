"""Reads plain text, in whatever encoding it comes."""

from __future__ import annotations

import codecs

from exora.documents.layout import text_page
from exora.domain.document import DocumentLimits, PageText
from exora.errors import CorruptDocument

ENGINE = "text"

_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Control characters that stand in real text files: tab, line feed, vertical tab, form feed, return, escape.
_TEXT_CONTROLS = frozenset("\t\n\v\f\r\x1b")


def read_text(content: bytes, limits: DocumentLimits) -> PageText:
    """The text as one page whose words have no boxes.

    Raises:
        CorruptDocument: the bytes are no text after all.
        DocumentTooLarge: it is longer than the limit.
    """
    text = _decoded(content)
    if any(letter < " " and letter not in _TEXT_CONTROLS for letter in text):
        raise CorruptDocument("the document starts as text and goes on as something else")
    return text_page(text, ENGINE, limits)


def _decoded(content: bytes) -> str:
    """UTF-16 by its byte order mark, else UTF-8, else the encoding of Western Windows programs."""
    try:
        if content.startswith(_UTF_16_MARKS):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Its five unused codes become replacement characters: no reason to lose a letter's other words.
        return content.decode("cp1252", errors="replace")
