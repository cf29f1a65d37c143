"""The format of a document is told by its magic bytes, and what cannot be read is called by its name."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from exora.documents.sniff import Format, sniff
from exora.errors import EmptyDocument, EncryptedDocument, UnsupportedFormat

register_heif_opener()


def encoded(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "white").save(file, kind, **options)
    return file.getvalue()


def zipped(member: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (("[Content_Types].xml", "<Types/>"), (member, "<w/>")):
            archive.writestr(zipfile.ZipInfo(name), content)  # of no time: the bytes name the test
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "HEIF", "WEBP", "BMP", "GIF", "PDF"])
def test_every_readable_format_is_recognized(kind: str) -> None:
    assert sniff(encoded(kind)) is Format[kind]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "ascii"])
def test_plain_text_is_recognized_in_every_encoding(encoding: str) -> None:
    assert sniff("Discharge summary\nSeen today, 38 °C\n".encode(encoding, "ignore")) is Format.TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_clinical_document_is_recognized_behind_comments_and_prefixes(encoding: str) -> None:
    for name in ("ClinicalDocument", "cda:ClinicalDocument"):
        text = f'<?xml version="1.0"?>\n<!-- {"x" * 3000} -->\n<{name} xmlns="urn:hl7-org:v3"/>'
        assert sniff(text.encode(encoding)) is Format.CCDA


def test_a_word_document_is_recognized_by_its_parts() -> None:
    assert sniff(zipped("word/document.xml")) is Format.DOCX


def test_a_word_document_under_a_password_is_encrypted() -> None:
    package = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016) + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(EncryptedDocument):
        sniff(package)


def test_big_tiff_is_a_tiff() -> None:
    assert sniff(encoded("TIFF", big_tiff=True)) is Format.TIFF


def test_a_pdf_header_counts_anywhere_in_the_first_1024_bytes_and_nowhere_later() -> None:
    header = b"%PDF-1.7\n"
    assert sniff(b"\n" * (1024 - 5) + header) is Format.PDF
    with pytest.raises(UnsupportedFormat):
        sniff(b"\n" * (1024 - 4) + header)


def test_no_bytes_are_an_empty_document() -> None:
    with pytest.raises(EmptyDocument):
        sniff(b"")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (zipped("xl/workbook.xml"), "XLSX"),
        (zipped("notes.txt"), "ZIP"),
        (b'<?xml version="1.0"?><PRPA_IN201305UV02 xmlns="urn:hl7-org:v3"/>', "HL7 document in XML"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><note/>', "XML"),
        (b"<!DOCTYPE html><html><body>seen today</body></html>", "HTML"),
        (b" \r\n\t\n", "empty text"),
        (b"4 0 obj\n<</Type/Page>>\nendobj\nxref\n", "a piece of a PDF"),
        ("обследование".encode("cp1251") * 9, "no known format"),
        (b"{\\rtf1\\ansi seen today}", "RTF"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "MP4"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf", "AVIF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "Office 97"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"MSH|^~\\&|LAB", "HL7"),
        (b'{"resourceType": "Bundle"}', "JSON"),
        (bytes(range(256)), "no known format"),
    ],
)
def test_what_is_not_read_is_named(content: bytes, name: str) -> None:
    with pytest.raises(UnsupportedFormat, match=name):
        sniff(content)


def test_the_message_holds_nothing_of_the_document() -> None:
    with pytest.raises(UnsupportedFormat) as refusal:
        sniff(b"{ Jane Roe, MRN 4711, seen today }")
    assert "Roe" not in refusal.value.one_line()
    assert "4711" not in refusal.value.one_line()


@pytest.mark.parametrize("length", range(5, 40))
def test_a_few_bytes_of_a_header_are_refused_not_crashed_on(length: int) -> None:
    with pytest.raises(UnsupportedFormat):
        sniff(b"RIFF\x00\x00\x00\x00WEB\x00ftypftypBM\x0c\x00\x00\x00PK\x03\x04MZ%PDF_"[:length])
