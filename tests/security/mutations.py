"""Files as an attacker would make them: example files of every format, cut, patched, spliced and repacked."""

from __future__ import annotations

import base64
import functools
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image
from pillow_heif import register_heif_opener
from reportlab.pdfgen.canvas import Canvas

from tests.documents.word_files import docx, paragraph, part, table
from tests.security import near_files

ROOT = Path(__file__).parents[2]
NOTE = (
    "Patient: Jane Roe  MRN 4711\nAllergies: Penicillin (hives)\nMetformin 500 mg twice daily\n"
    "Potassium 4.1 mmol/L (3.5-5.1)"
)
#: Bytes that mean something to a reader: limits of integers, ends and beginnings of structures.
_WORDS = (
    b"\x00",
    b"\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"%PDF-1.7\n",
    b"endobj",
    b"endstream",
    b"/Length 999999999",
    b"/Kids[3 0 R 3 0 R]",
    b"/Parent 3 0 R",
    b"<<",
    b">>",
    b"startxref\n0\n",
    b"/Filter[/FlateDecode/FlateDecode/FlateDecode]",
    b"/Count 99999999",
    b"/Rotate -90",
    b"/MediaBox[0 0 1e9 1e9]",
    b"/MediaBox[0 0 0 0]",
    b"/JS(app.alert(1))",
    b"IHDR\xff\xff\xff\xff",
    b"IDAT",
    b"IEND",
    b"\xff\xd8",
    b"\xff\xd9",
    b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff",
    b"II*\x00",
    b"MM\x00*",
    b"ftypheic",
    b"RIFF\xff\xff\xff\xffWEBP",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"<w:p>",
    b"</w:p>",
    b'gridSpan w:val="999999999"',
    b'w:val="\xc2\xb2"',
    b"&#x0;",
    b"<![CDATA[",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"<observation>",
    b"\xf0\x9f\x98\x80",
    b"\xed\xa0\x80",
    b"\r",
    b"\x0c",
    b"\xe2\x80\xae",
    b"9" * 60,
    b"1/" * 60,
    b"(" * 200,
)


def _saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture = Image.new("RGB", (64, 48), "white")
    picture.paste((0, 0, 0), (8, 8, 40, 20))
    more = {"save_all": True, "append_images": [picture.rotate(90)]} if kind in ("TIFF", "GIF", "WEBP") else {}
    picture.save(file, kind, **more, **options)
    return file.getvalue()


def _pdf() -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file, pageCompression=0)
    for number in range(2):
        for row, line in enumerate(NOTE.splitlines()):
            canvas.drawString(72, 700 - 15 * row, f"{line} {number}")
        canvas.acroForm.textfield(name="field", value="typed", x=72, y=500)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _word() -> bytes:
    blocks = [paragraph(line) for line in NOTE.splitlines()]
    blocks.append(table(("Sodium", "140", "mmol/L"), ("Glucose", "98", "mg/dL")))
    return docx(*blocks, parts={"word/header1.xml": part("hdr", paragraph("Clinic"))}, header="header1.xml")


@functools.cache
def seeds() -> dict[str, list[bytes]]:
    """Small whole files by format, and files that have troubled readers before."""
    register_heif_opener()
    ccda = (ROOT / "tests/data/summary.ccda.xml").read_bytes()
    bad = sorted((ROOT / "tests/data/bad-files").glob("*/*"))
    examples = ROOT / "examples" / "documents"
    wrapped = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody>'
    wrapped += b'<text mediaType="application/pdf" representation="B64">'
    wrapped += base64.b64encode(_pdf()) + b"</text></nonXMLBody></component></ClinicalDocument>"
    return {
        "pdf": [_pdf(), (examples / "medication-list.pdf").read_bytes(), (examples / "lab-report.pdf").read_bytes()],
        "jpeg": [_saved("JPEG", quality=60), _saved("JPEG", progressive=True)],
        "png": [_saved("PNG"), _saved("PNG", optimize=True)],
        "tiff": [_saved("TIFF"), _saved("TIFF", compression="tiff_lzw"), _saved("TIFF", compression="tiff_deflate")],
        "heic": [_saved("HEIF", quality=40)],
        "webp": [_saved("WEBP"), _saved("WEBP", lossless=True)],
        "gif": [_saved("GIF")],
        "bmp": [_saved("BMP")],
        "docx": [_word()],
        "ccda": [ccda, wrapped],
        "text": [NOTE.encode(), NOTE.encode("utf-16"), NOTE.encode("cp1252")],
        "bad": [file.read_bytes() for file in bad if file.stat().st_size < 60_000 and file.suffix != ".tsv"],
    }


Patch = Callable[[bytes], bytes]


def _patches(others: list[bytes]) -> st.SearchStrategy[Patch]:
    """One change of a file, at a place given as a share of its length."""
    place = st.floats(0, 1, allow_nan=False)
    bytes_ = st.one_of(st.sampled_from(_WORDS), st.binary(min_size=1, max_size=12))

    def at(content: bytes, share: float) -> int:
        return int(share * len(content))

    def put(share: float, what: bytes, over: bool) -> Patch:
        return lambda b: b[: at(b, share)] + what + b[at(b, share) + len(what) * over :]

    def cut(start: float, end: float) -> Patch:
        return lambda b: b[: at(b, min(start, end))] + b[at(b, max(start, end)) :]

    def repeat(start: float, size: int, times: int) -> Patch:
        return lambda b: b[: at(b, start)] + b[at(b, start) : at(b, start) + size] * times + b[at(b, start) + size :]

    def splice(share: float, other: bytes, theirs: float) -> Patch:
        return lambda b: b[: at(b, share)] + other[at(other, theirs) :]

    def flip(share: float, bit: int) -> Patch:
        return lambda b: (
            b[: at(b, share)] + bytes([b[at(b, share)] ^ 1 << bit]) + b[at(b, share) + 1 :]
            if at(b, share) < len(b)
            else b
        )

    return st.one_of(
        st.builds(flip, place, st.integers(0, 7)),
        st.builds(put, place, bytes_, st.booleans()),
        st.builds(cut, place, place),
        st.builds(repeat, place, st.integers(1, 300), st.integers(2, 40)),
        st.builds(splice, place, st.sampled_from(others), place),
    )


def _patched(content: bytes, patches: list[Patch]) -> bytes:
    for patch in patches:
        content = patch(content)
    return content[:1_000_000]


def _near() -> st.SearchStrategy[tuple[str, bytes]]:
    """Files that are still of their format."""
    codes = st.sampled_from(["utf-8", "utf-8", "utf-16", "cp1252"])
    text = st.builds(lambda said, code: said.encode(code, "replace"), near_files.texts(NOTE), codes)

    def of_kind(
        kind: str, changed: Callable[[bytes], st.SearchStrategy[bytes]]
    ) -> st.SearchStrategy[tuple[str, bytes]]:
        return st.tuples(st.just(kind), st.sampled_from(seeds()[kind]).flatmap(changed))

    pictures = [of_kind(kind, near_files.picture) for kind in ("jpeg", "png", "tiff", "heic", "webp", "gif", "bmp")]
    ccda = st.tuples(st.just("ccda"), near_files.xml(seeds()["ccda"][0]))
    others = [of_kind("docx", near_files.word), ccda, of_kind("pdf", near_files.pdf), st.tuples(st.just("text"), text)]
    return st.one_of(st.one_of(pictures), *others, *others)


@functools.cache
def files() -> st.SearchStrategy[tuple[str, bytes]]:
    """A format's name and a file that began as one of it: of three, two are still of it, and one is anything."""
    every = [content for contents in seeds().values() for content in contents]
    patches = st.lists(_patches(every), min_size=1, max_size=6)

    def of_kind(kind: str) -> st.SearchStrategy[tuple[str, bytes]]:
        return st.builds(lambda content, done: (kind, _patched(content, done)), st.sampled_from(seeds()[kind]), patches)

    whole = st.sampled_from(sorted(seeds())).flatmap(of_kind)
    word = seeds()["docx"][0]
    with zipfile.ZipFile(io.BytesIO(word)) as package:
        names = package.namelist()
    inner = st.builds(
        lambda name, done: ("docx", near_files.repacked(word, name, lambda part: _patched(part, done))),
        st.sampled_from(names),
        patches,
    )
    kinds = [*[_near()] * 12, *[whole] * 5, inner]
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__)
