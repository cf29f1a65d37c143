"""Parses XML from strangers: no document type, no entity, no reference followed, bounded depth and size."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from exora.errors import CorruptDocument, DocumentTooLarge, UnsupportedFormat

#: Real documents nest 30 to 60 deep; recursion of readers is bounded by this.
MAX_DEPTH = 150
#: A C-CDA of 100 pages has about 60,000 elements; half a million take 2 s and 150 MB.
MAX_ELEMENTS = 500_000


class _BoundedBuilder:
    """Builds the tree while counting; comments and processing instructions are dropped."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._root: Element | None = None
        self._last: Element | None = None
        self._tail = False
        self._text: list[str] = []
        self._elements = 0

    def _flush(self) -> None:
        if self._text and self._last is not None:
            text = "".join(self._text)
            if self._tail:
                self._last.tail = text
            else:
                self._last.text = text
        self._text = []

    def start(self, tag: str, attributes: dict[str, str]) -> Element:
        self._flush()
        self._elements += 1
        if len(self._open) >= MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise DocumentTooLarge("the document's XML is nested too deep or has too many elements")
        element = Element(tag, attributes)
        if self._open:
            self._open[-1].append(element)
        else:
            self._root = element
        self._open.append(element)
        self._last, self._tail = element, False
        return element

    def end(self, tag: str) -> Element:
        self._flush()
        self._last, self._tail = self._open.pop(), True
        return self._last

    def data(self, text: str) -> None:
        self._text.append(text)

    def close(self) -> Element | None:
        return self._root


def parse_xml(content: bytes) -> Element:
    """The root of an XML document.

    Raises:
        CorruptDocument: it is not well formed.
        DocumentTooLarge: it is nested deeper, or has more elements, than any real document.
        UnsupportedFormat: it declares a document type or entities; nothing they refer to is opened.
    """
    parser: Any = DefusedXMLParser(
        target=_BoundedBuilder(), forbid_dtd=True, forbid_entities=True, forbid_external=True
    )
    try:
        parser.feed(content)
        root: Element | None = parser.close()
    except DefusedXmlException:
        raise UnsupportedFormat("the document's XML declares a document type or entities, which are not read") from None
    except (ParseError, ValueError, LookupError):
        raise CorruptDocument("the document's XML is not well formed") from None
    if root is None:
        raise CorruptDocument("the document's XML is empty")
    return root
