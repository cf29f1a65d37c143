"""Bad input of every kind: one clear line that names the thing and the remedy, and an exit code that is not 0."""

from __future__ import annotations

import io
import re
import socket
from pathlib import Path
from uuid import uuid4

import asyncpg
import pypdfium2
import pytest
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from exora.domain.document import DocumentLimits

from .cli import Ran, exora, exora_in


def pdf(password: str | None = None) -> bytes:
    """A one-page PDF."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, encrypt=StandardEncryption(password) if password else None)
    canvas.drawString(72, 700, "Medications: Metformin 500 mg twice daily")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def jpeg() -> bytes:
    """A small photo."""
    buffer = io.BytesIO()
    Image.effect_noise((800, 800), 90).save(buffer, "JPEG")
    return buffer.getvalue()


def no_pages() -> bytes:
    """A PDF without pages."""
    buffer = io.BytesIO()
    pypdfium2.PdfDocument.new().save(buffer)
    return buffer.getvalue()


DOCUMENTS: dict[str, tuple[bytes, str]] = {
    "an archive": (b"\x1f\x8b\x08" + bytes(100), "PDF, JPEG"),
    "a program": (b"\x7fELF" + bytes(100), "PDF, JPEG"),
    "empty": (b"", "empty|no content"),
    "a truncated photo": (jpeg()[:2000], "again"),
    "a damaged PDF": (b"%PDF-1.7\n" + bytes(500), "again"),
    "an encrypted PDF": (pdf("secret"), "password"),
    "a PDF without pages": (no_pages(), "page"),
}


def one_line(ran: Ran) -> str:
    """The error as printed; it must be one line, without a traceback."""
    lines = [line for line in ran.err.splitlines() if line.strip()]
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("error")
    return lines[0]


@pytest.mark.parametrize("what", DOCUMENTS)
async def test_a_file_that_is_no_good_document(what: str, tmp_path: Path) -> None:
    content, says = DOCUMENTS[what]
    (tmp_path / "file").write_bytes(content)
    ran = await exora("analyze", str(tmp_path / "file"))
    assert ran.code != 0
    line = one_line(ran)
    assert any(word in line for word in says.split("|")), line
    assert "Jones" not in line


async def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "large.pdf").open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(DocumentLimits().max_bytes + 1)
    ran = await exora("analyze", str(tmp_path / "large.pdf"))
    assert ran.code != 0
    assert str(DocumentLimits().max_bytes) in one_line(ran)


async def test_a_file_that_is_not_there() -> None:
    ran = await exora("analyze", "/nowhere/scan[red].pdf")
    assert ran.code == 2
    assert "/nowhere/scan[red].pdf cannot be read: No such file" in one_line(ran)  # the name as it is, markup and all


async def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_bytes(b"\xff\xfe\x00")
    ran = await exora("analyze", "--text", str(tmp_path / "note.txt"))
    assert ran.code == 2
    assert "UTF-8" in one_line(ran)


async def test_an_unknown_patient(embedded_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf())
    ran = await exora("submit", str(tmp_path / "a.pdf"), "--patient", str(uuid4()), DATABASE_URL=embedded_dsn)
    assert ran.code == 1
    assert "exora patients add" in ran.err


async def test_a_patient_that_is_no_id(embedded_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf())
    ran = await exora("submit", str(tmp_path / "a.pdf"), "--patient", "jane", DATABASE_URL=embedded_dsn)
    assert ran.code == 2
    assert "--patient" in one_line(ran)


async def test_a_wrong_lane(embedded_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf())
    patient = (await exora("patients", "add", DATABASE_URL=embedded_dsn)).out.strip()
    arguments = ("submit", str(tmp_path / "a.pdf"), "--patient", patient, "--lane", "express")
    ran = await exora(*arguments, DATABASE_URL=embedded_dsn)
    assert ran.code == 1
    assert "lane" in ran.err


async def test_a_refused_file_does_not_hold_up_the_others(embedded_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "good.pdf").write_bytes(pdf())
    (tmp_path / "bad.pdf").write_bytes(b"\x7fELF" + bytes(100))
    patient = (await exora("patients", "add", DATABASE_URL=embedded_dsn)).out.strip()
    files = [str(tmp_path / name) for name in ("bad.pdf", "good.pdf")]
    ran = await exora("submit", *files, "--patient", patient, "--json", DATABASE_URL=embedded_dsn)
    assert ran.code == 1
    refused, accepted = ran.json
    assert refused["error"]["code"] == "document_unsupported"
    assert accepted["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://localhost/x", "PostgreSQL URL"),
        ("not a url", "PostgreSQL URL"),
        ("postgresql://nobody:secretpw@127.0.0.1:1/x", "accepts connections"),
        ("postgresql://nobody:secretpw@localhost:1/x?sslmode=verify-full", "sslrootcert=FILE"),
        ("postgresql://nobody:secretpw@localhost:1/x?sslmode=verify-full&sslrootcert=/nowhere.pem", "sslrootcert=FILE"),
    ],
)
async def test_a_wrong_database_url(url: str, says: str) -> None:
    ran = await exora("jobs", "list", DATABASE_URL=url)
    assert ran.code == 1
    assert says in one_line(ran)
    assert "secretpw" not in ran.err


async def test_a_wrong_password(embedded_dsn: str) -> None:
    user, _, rest = embedded_dsn.partition("://exora:")[2].partition("@")
    wrong = f"postgresql://exora:wrong@{rest or user}"
    ran = await exora("jobs", "list", DATABASE_URL=wrong)
    assert ran.code == 1
    assert "DATABASE_URL" in one_line(ran)


async def test_a_database_that_was_never_migrated(embedded_dsn: str) -> None:
    db = await asyncpg.connect(embedded_dsn)
    await db.execute("drop schema exora cascade")
    await db.close()
    ran = await exora("worker", DATABASE_URL=embedded_dsn, PORT="0")
    assert ran.code == 1
    assert "exora migrate" in one_line(ran)


async def test_a_database_of_a_newer_version(embedded_dsn: str) -> None:
    db = await asyncpg.connect(embedded_dsn)
    await db.execute("insert into exora.schema_migrations (version, name, checksum) values (9999, 'future', 'x')")
    await db.close()
    for command in (("worker",), ("migrate",), ("migrate", "--check"), ("jobs", "list")):
        ran = await exora(*command, DATABASE_URL=embedded_dsn, PORT="0")
        assert ran.code == 1
        assert "Upgrade" in one_line(ran)


async def test_a_port_that_is_taken(embedded_dsn: str) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        ran = await exora("worker", DATABASE_URL=embedded_dsn, PORT=str(taken.getsockname()[1]))
    assert ran.code == 1
    assert "PORT" in one_line(ran)
    assert "taken" in ran.err


@pytest.mark.parametrize(
    ("environment", "names"),
    [
        ({"WORKER_CONCURRENCY": "many"}, "WORKER_CONCURRENCY"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"APP_ENV": "production"}, "EXORA_OCR"),
        ({"APP_ENV": "production", "EXORA_OCR": "tesseract", "EXORA_ANALYZER": "local"}, "DATABASE_URL"),
        ({"APP_ENV": "production", "EXORA_OCR": "tesseract"}, "OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": "http://example.com/v1"}, "OPENAI_BASE_URL"),
        ({"GOOGLE_CLOUD_API_KEY": "canary", "GOOGLE_VISION_BASE_URL": "http://example.com"}, "GOOGLE_VISION_BASE_URL"),
        ({"EXORA_OCR": "magic"}, "EXORA_OCR"),
    ],
)
async def test_a_setting_that_is_wrong_is_named(environment: dict[str, str], names: str) -> None:
    ran = await exora_in(environment, "worker")
    assert ran.code == 1
    assert names in one_line(ran)
    assert "canary" not in ran.err


async def test_a_worker_of_a_lane_that_is_not_there(embedded_dsn: str) -> None:
    ran = await exora("worker", "--no-http", "--lane", "fast_queu", DATABASE_URL=embedded_dsn)
    assert ran.code == 3
    assert "no lane fast_queu" in one_line(ran)
    assert "exora lanes list" in ran.err


async def test_a_module_that_is_not_there(embedded_dsn: str) -> None:
    ran = await exora("worker", "--import", "clinc", DATABASE_URL=embedded_dsn)
    assert ran.code == 2
    assert "[--import]: there is no module clinc" in one_line(ran)


@pytest.mark.parametrize("command", [("jobs", "show"), ("record",)])
async def test_an_unknown_job(embedded_dsn: str, command: tuple[str, ...]) -> None:
    ran = await exora(*command, str(uuid4()), DATABASE_URL=embedded_dsn)
    assert ran.code == 3
    assert one_line(ran).startswith("error [")  # names the argument
    assert "exora jobs list" in ran.err


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (("capacity", "set", "openai", "gpt-4o-mini", "--status", "off"), "--status.*'maintenance'"),
        (("schedules", "add", "nightly", "0 3 * * *", "report_generation", "--missed", "never"), "--missed.*'skip'"),
    ],
)
async def test_a_word_of_a_few_is_refused_with_those_there_are(command: tuple[str, ...], names: str) -> None:
    ran = await exora(*command, COLUMNS="200")
    assert ran.code == 2
    assert re.search(names, ran.err), ran.err
