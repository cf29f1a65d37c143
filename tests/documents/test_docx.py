"""Word documents: what a reader of the page sees, in columns; and nothing that a hostile archive wants."""

from __future__ import annotations

import struct

import pytest

from exora.documents.analysis.local import analyze
from exora.documents.page_reader import open_document
from exora.domain.document import DocumentLimits, PageText
from exora.errors import CorruptDocument, DocumentError, DocumentTooLarge, EncryptedDocument, UnsupportedFormat
from tests.documents.reading import read_page
from tests.documents.test_ocr import NOTE, saved, scanned
from tests.documents.word_files import archive, docx, paragraph, part, relations, run, table

LIMITS = DocumentLimits()


def read(content: bytes, number: int = 1) -> PageText:
    return read_page(content, number, LIMITS)


def open_and_read(content: bytes) -> PageText:
    open_document(content, LIMITS)
    return read(content)


def layout(content: bytes) -> list[str]:
    page = read(content)
    assert page.layout is not None
    return [line for line in page.layout.splitlines() if line]


def test_paragraphs_are_lines_and_words_have_no_boxes() -> None:
    page = read(docx(paragraph("Lisinopril ", "20 mg"), paragraph("once daily")))
    assert page.text == "Lisinopril 20 mg\nonce daily"
    assert (page.source, page.engine, page.words[0].box) == ("text", "docx", None)


def test_columns_of_a_table_are_aligned() -> None:
    rows = layout(docx(table(("Test", "Result", "Units"), ("Sodium", "140", "mmol/L"), ("Hemoglobin A1c", "7.2", "%"))))
    assert [row.index(cell) for row, cell in zip(rows, ["Result", "140", "7.2"], strict=True)] == [17, 17, 17]


def test_merged_cells_keep_the_columns_below_them() -> None:
    spanning = "<w:tcPr><w:gridSpan w:val='2'/></w:tcPr>"
    rows = layout(docx(table((spanning + paragraph("Chemistry"), "Units"), ("Sodium", "140", "mmol/L"))))
    assert rows[0].index("Units") == rows[1].index("mmol/L")


def test_a_table_becomes_results_with_offsets_into_the_text() -> None:
    content = docx(
        paragraph("Laboratory results"),
        table(("Test", "Result", "Units", "Reference range"), ("Potassium", "5.9", "mmol/L", "3.5 - 5.1")),
    )
    page = read(content)
    (result,) = analyze([page], sha256="0" * 64).results
    assert (result.name, result.value, result.unit, result.range_low) == ("Potassium", "5.9", "mmol/L", 3.5)
    assert page.layout is not None
    assert page.layout[result.source.start : result.source.end].split() == result.source.quote.split()


def test_what_was_deleted_or_hidden_is_not_read_and_insertions_are() -> None:
    content = docx(
        paragraph(
            run("Warfarin"),
            f"<w:del>{run(' stopped').replace('w:t>', 'w:delText>')}</w:del>",
            f"<w:ins>{run(' 5 mg')}</w:ins>",
            run(" secret", "<w:vanish/>"),
            "<w:r><w:instrText>PAGE</w:instrText></w:r>",
        )
    )
    assert read(content).text == "Warfarin 5 mg"


def test_headers_notes_and_text_boxes_are_read_and_lists_are_marked() -> None:
    box = f"<w:r><w:pict><w:txbxContent>{paragraph('Allergic to penicillin')}</w:txbxContent></w:pict></w:r>"
    content = docx(
        paragraph("Aspirin", properties="<w:numPr/>"),
        paragraph("seen", box),
        parts={
            "word/header1.xml": part("hdr", paragraph("Mercy Clinic")),
            "word/footnotes.xml": part("footnotes", f"<w:footnote>{paragraph('fasting sample')}</w:footnote>"),
        },
        header="header1.xml",
        footnotes="footnotes.xml",
    )
    assert layout(content) == ["Mercy Clinic", "- Aspirin", "seen", "Allergic to penicillin", "fasting sample"]


def test_a_scan_pasted_into_a_document_is_a_page_of_its_own() -> None:
    scan = saved(scanned(NOTE, dpi=150), "BMP")
    content = docx(
        paragraph("See the scan"),
        parts={"word/media/scan.bmp": scan, "word/media/logo.png": b"\x89PNG\r\n\x1a\n"},
        image1="media/scan.bmp",
        image2="media/logo.png",
    )
    assert open_document(content, LIMITS).pages == 2
    page = read(content, 2)
    assert (page.number, page.text, page.source) == (2, NOTE, "ocr")
    record = analyze([read(content), page], sha256="0" * 64)
    assert record.medications[0].source.box is not None


# --- hostile archives -------------------------------------------------------------------------------

ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<w:document xmlns:w="x">&b;</w:document>'
)
EXTERNAL = ENTITIES.replace('<!ENTITY a "lol">', '<!ENTITY a SYSTEM "file:///etc/passwd">')
TEMPLATE = {"[Content_Types].xml": "<Types/>", "_rels/.rels": relations(officeDocument="word/document.xml")}


def with_part(main: str | bytes) -> bytes:
    return archive({**TEMPLATE, "word/document.xml": main})


def patched(content: bytes, flag: int) -> bytes:
    """Every member's general purpose flag set."""
    file = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = file.find(signature)
        while at >= 0:
            struct.pack_into("<H", file, at + offset, flag)
            at = file.find(signature, at + 4)
    return bytes(file)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (with_part(ENTITIES), UnsupportedFormat),
        (with_part(EXTERNAL), UnsupportedFormat),
        (with_part(b"\x00" * (200 * 1024 * 1024)), DocumentTooLarge),
        (with_part("<a>" * 100_000), DocumentTooLarge),
        (with_part("<a>" + "<b/>" * 510_000 + "</a>"), DocumentTooLarge),
        (with_part(f"<a xmlns:w='w'><w:p><w:t>{'word ' * 300_000}</w:t></w:p></a>"), DocumentTooLarge),
        (archive({**TEMPLATE, **{f"word/{number}": "" for number in range(5001)}}), DocumentTooLarge),
        (with_part("<a><b></a>"), CorruptDocument),
        (with_part(""), CorruptDocument),
        (archive({**TEMPLATE, "word/other.xml": "<a/>"}), CorruptDocument),
        (archive({"[Content_Types].xml": "<Types/>", "word/document.xml": "<a/>"}), UnsupportedFormat),
        (docx(paragraph(NOTE))[:700], CorruptDocument),
        (patched(docx(paragraph(NOTE)), 1), EncryptedDocument),
        (docx(paragraph(NOTE)).replace(b"PK\x01\x02", b"PK\x01\x03"), CorruptDocument),
    ],
    ids=[
        "entities", "external entity", "zip bomb", "deep", "many elements", "long text", "many parts",
        "malformed", "empty", "no main part", "no relation", "cut", "password", "broken directory",
    ],
)  # fmt: skip
def test_a_hostile_archive_ends_in_a_typed_error(content: bytes, expected: type[DocumentError]) -> None:
    with pytest.raises(DocumentError) as refusal:
        open_and_read(content)
    assert type(refusal.value) is expected
    assert refusal.value.remedy


def test_nothing_outside_the_file_is_referred_to() -> None:
    content = docx(paragraph(NOTE), image1="http://192.0.2.1/scan.png", header="../../../etc/passwd")
    assert open_document(content, LIMITS).pages == 1
    assert read(content).text == NOTE


@pytest.mark.parametrize("share", range(1, 20))
def test_a_cut_document_is_corrupt(share: int) -> None:
    content = docx(paragraph(NOTE), table(("Sodium", "140")))
    with pytest.raises((CorruptDocument, UnsupportedFormat)):
        read(content[: len(content) * share // 20])
