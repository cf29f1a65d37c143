"""Plain text is a document like any other: read in every encoding, quoted by its offsets."""

from __future__ import annotations

import pytest

from exora.documents.analysis.local import analyze
from exora.documents.page_reader import DocumentPlan, open_document
from exora.documents.sniff import Format
from exora.domain.document import DocumentLimits
from exora.errors import CorruptDocument, DocumentTooLarge
from tests.documents.reading import read_page

LIMITS = DocumentLimits()
NOTE = "Temperature 38 °C\n\nMedications:\n  Lisinopril 20 mg   once daily\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_text_is_one_page_in_every_encoding(encoding: str) -> None:
    content = NOTE.encode(encoding)
    assert open_document(content, LIMITS) == DocumentPlan(Format.TEXT, 1)
    page = read_page(content, 1, LIMITS)
    assert page.text == "Temperature 38 °C\nMedications:\nLisinopril 20 mg once daily"
    assert (page.source, page.engine, page.layout) == ("text", "text", NOTE)


def test_items_are_found_at_their_offsets() -> None:
    (medication,) = analyze([read_page(NOTE.encode(), 1, LIMITS)], sha256="0" * 64).medications
    assert NOTE[medication.source.start : medication.source.end].startswith("Lisinopril 20 mg")
    assert medication.source.box is None


def test_what_starts_as_text_and_is_none_is_corrupt() -> None:
    with pytest.raises(CorruptDocument):
        read_page(b"seen today " * 2000 + bytes(10), 1, LIMITS)


def test_a_text_over_the_limit_is_refused() -> None:
    with pytest.raises(DocumentTooLarge):
        read_page(b"seen today " * 10, 1, DocumentLimits(max_text_chars=100))
