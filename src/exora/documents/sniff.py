"""Tells what kind of document some bytes are, by their magic bytes alone."""

from __future__ import annotations

import enum
import re

from exora.errors import EmptyDocument, EncryptedDocument, UnsupportedFormat


class Format(enum.Enum):
    """The kinds of document that can be read into pages."""

    PDF = "PDF"
    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    HEIF = "HEIF"
    WEBP = "WEBP"
    BMP = "BMP"
    GIF = "GIF"
    DOCX = "DOCX"
    CCDA = "C-CDA"
    TEXT = "plain text"

    @property
    def media_type(self) -> str:
        """The registered media type (IANA)."""
        return _MEDIA_TYPES.get(self.name) or f"image/{self.value.lower()}"


_MEDIA_TYPES = {
    "PDF": "application/pdf",
    "DOCX": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "CCDA": "text/xml",
    "TEXT": "text/plain",
}


#: A PDF header may stand anywhere in the first 1,024 bytes (ISO 32000-1, Annex H, implementation note 13).
_PDF_HEADER_WITHIN = 1024

_READABLE_PREFIXES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"II*\x00", Format.TIFF),
    (b"MM\x00*", Format.TIFF),
    (b"II+\x00", Format.TIFF),
    (b"MM\x00+", Format.TIFF),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
)

_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: The stream of a compound file that holds a DOCX under a password ([MS-OFFCRYPTO] 2.3.4.4).
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")

_KNOWN_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (_COMPOUND_FILE, "an Office 97 file (DOC, XLS or PPT)"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript file"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"8BPS", "a Photoshop image"),
    (b"AT&TFORM", "a DjVu document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
    (b"MZ", "a Windows program"),
    (b"\x7fELF", "a program"),
    (b"MSH|", "an HL7 version 2 message"),
)

#: Brands of the `ftyp` box whose images are coded with HEVC (ISO/IEC 23008-12, Annex B).
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})

#: Sizes of the header that follows the 14-byte file header of every BMP version.
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})

_MARKUP = re.compile(r"\s*<(?:\?xml|!doctype|!--|[a-z])", re.IGNORECASE)
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_CCDA = re.compile(r"<(?:\w+:)?ClinicalDocument\b")
_TEXT_SAMPLE_BYTES = 16_384
#: What only the inside of a damaged PDF has.
_PDF_PIECES = re.compile(r"%PDF|\bendobj\b|\bstartxref\b|^\s*trailer\b|\bxref\b", re.MULTILINE)


def sniff(content: bytes) -> Format:
    """Tell the format of a document from its magic bytes; names and declared types are never asked.

    Args:
        content: the whole document.

    Raises:
        EmptyDocument: there are no bytes.
        EncryptedDocument: it is a Word document under a password.
        UnsupportedFormat: the bytes are of another kind, which the message names when it is a known one.
    """
    if not content:
        raise EmptyDocument("the document has no bytes")
    for prefix, kind in _READABLE_PREFIXES:
        if content.startswith(prefix):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Format.WEBP
    if content[:2] == b"BM" and int.from_bytes(content[14:18], "little") in _BMP_HEADER_SIZES:
        return Format.BMP
    if content[4:8] == b"ftyp" and _is_heif(content):
        return Format.HEIF
    if b"%PDF-" in content[:_PDF_HEADER_WITHIN]:
        return Format.PDF
    if content.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in content and b"word/" in content:
        return Format.DOCX
    if content.startswith(_COMPOUND_FILE) and _ENCRYPTED_PACKAGE in content:
        raise EncryptedDocument("the document opens only with a password")
    if _is_text(content):
        return Format.CCDA if _CCDA.search(_sample(content)) else Format.TEXT
    raise UnsupportedFormat(f"the document is {_name_unsupported(content)}, which is not read")


def _brands(content: bytes) -> set[bytes]:
    """Major and compatible brands of an ISO base media file, from its leading `ftyp` box."""
    end = min(int.from_bytes(content[:4], "big"), 512, len(content))
    return {content[8:12]} | {content[at : at + 4] for at in range(16, end - 3, 4)}


def _is_heif(content: bytes) -> bool:
    brands = _brands(content)
    return bool(brands & _HEIF_BRANDS) and not brands & _AVIF_BRANDS


def _name_unsupported(content: bytes) -> str:
    """What the bytes seem to be, in words that hold nothing of them."""
    for prefix, name in _KNOWN_PREFIXES:
        if content.startswith(prefix):
            return name
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _name_zip(content)
    if content[4:8] == b"ftyp":
        return "an AVIF image" if _brands(content) & _AVIF_BRANDS else "an MP4 or QuickTime video"
    if content[:4] == b"RIFF":
        return "a WAV or AVI recording"
    if content[128:132] == b"DICM":
        return "a DICOM file"
    return _name_text(_sample(content)) if _is_decodable(content) else "of no known format or text encoding"


def _name_zip(content: bytes) -> str:
    for member, name in (
        (b"word/", "a DOCX document"),
        (b"xl/", "an XLSX workbook"),
        (b"ppt/", "a PPTX presentation"),
        (b"application/vnd.oasis.opendocument", "an OpenDocument file"),
    ):
        if member in content:
            return name
    return "a ZIP archive"


def _sample(content: bytes) -> str:
    """The beginning of what may be text, whatever its encoding."""
    sample = content[:_TEXT_SAMPLE_BYTES]
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return sample.decode("utf-16", errors="ignore")
    return sample.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _is_text(content: bytes) -> bool:
    """Whether the bytes are prose, or a C-CDA; markup, data and messages of other kinds are not."""
    if any(content.startswith(prefix) for prefix, _ in _KNOWN_PREFIXES):
        return False
    sample = _sample(content)
    if not _is_decodable(content):
        return False
    return _name_text(sample) == "plain text" or bool(_MARKUP.match(sample) and _CCDA.search(sample))


def _is_decodable(content: bytes) -> bool:
    """Whether a text's encoding can be told: Unicode, or a Western one, whose words are mostly ASCII."""
    sample = content[:_TEXT_SAMPLE_BYTES]
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff") or sum(byte > 0x7F for byte in sample) <= 0.3 * len(sample):
        return True
    # A letter of up to four bytes may be cut at the end of the sample.
    return "\ufffd" not in sample.decode("utf-8", "replace")[:-1]


def _name_text(sample: str) -> str:
    if any(letter < " " and letter not in "\t\n\v\f\r\x1b" for letter in sample):
        return "of no known format"
    if _MARKUP.match(sample):
        if _HTML.search(sample):
            return "an HTML page"
        return "another HL7 document in XML" if "urn:hl7-org:" in sample else "an XML document"
    if sample.lstrip()[:1] in ("{", "["):
        return "a JSON document"
    if _PDF_PIECES.search(sample):
        return "a piece of a PDF"
    return "plain text" if sample.strip() else "empty text"
