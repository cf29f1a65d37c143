"""A worker that reads every kind of document opens nothing for writing and connects to nothing but its database."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption

from exora.domain.job import JobState
from exora.testing.processes import launched_worker, until
from tests.documents.test_ocr import NOTE, saved, scanned
from tests.documents.test_pages import pdf, text
from tests.documents.word_files import docx, paragraph, table
from tests.faults.system import all_final, submit_examples, system

pytestmark = pytest.mark.xdist_group("processes")

#: Calls that make, change or open files, and that reach out.
_WATCHED = (
    "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "unlink,unlinkat,rmdir,truncate,ftruncate,connect"
)
_WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")
_CALL = re.compile(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)\) += (-?\d+)")
#: Where bytes go nowhere.
_NOWHERE = ('"/dev/null"',)
DATA = Path(__file__).parents[1] / "data"


def documents() -> list[bytes]:
    """One of each format that the examples lack, and those that take the rarer ways through the readers."""
    clean, poor = scanned(NOTE, dpi=150), scanned(NOTE, NOTE, dpi=72)
    damaged = pdf(text(NOTE)).replace(b"startxref", b"startxxxx").replace(b"/Root", b"/Toor")
    return [
        saved(clean, "PNG"),
        saved(clean, "BMP"),
        saved(clean, "GIF"),
        saved(poor, "JPEG", quality=40),
        docx(
            paragraph(NOTE),
            table(("Sodium", "140", "mmol/L")),
            parts={"word/media/scan.bmp": saved(clean, "BMP")},
            image1="media/scan.bmp",
        ),
        (DATA / "summary.ccda.xml").read_bytes(),
        NOTE.encode(),
        pdf(text(NOTE), encrypt=StandardEncryption("", ownerPassword="owner")),
        damaged,
        pdf(text(NOTE), encrypt=StandardEncryption("secret")),
        saved(Image.effect_noise((300, 300), 90), "PNG")[:-2000],
    ]


def forbidden(trace: str, port: int) -> list[str]:
    """Calls that succeeded and left something, or could have."""
    found = []
    for line in trace.splitlines():
        match = _CALL.match(line)
        if match is None or int(match[3]) < 0:
            continue
        name, arguments = match[1], match[2]
        if name == "connect":
            is_own = "AF_UNIX" in arguments or f"htons({port})" in arguments or "AF_NETLINK" in arguments
            if not is_own and "AF_UNSPEC" not in arguments:
                found.append(line)
        elif name in ("open", "openat", "openat2"):
            if _WRITES.search(arguments) and not any(place in arguments for place in _NOWHERE):
                found.append(line)
        else:
            found.append(line)
    return found


async def test_a_worker_opens_nothing_for_writing(embedded_dsn: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    home = tmp_path / "home"
    home.mkdir()
    # -D keeps the worker our own child; --seccomp-bpf stops it at the watched calls only.
    strace = ("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-s", "200", "-e", f"trace={_WATCHED}", "-o", str(trace))
    async with system(embedded_dsn, lease_s=60) as (services, _):
        jobs = await submit_examples(services)
        patient = uuid4()
        await services.coordinator.register_patient(patient)
        jobs += [(await services.submit(content, patient)).job.job_id for content in documents()]
        environment = {"TMPDIR": str(home), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        async with launched_worker(strace, embedded_dsn, **environment) as running:
            await until(lambda: all_final(services, jobs))
            await running.ends(15)
        states = [view.state for view in await services.coordinator.get_jobs(jobs)]
    assert states.count(JobState.FAILED) == 2
    assert list(home.rglob("*")) == []
    text_of_it = trace.read_text(errors="replace")
    # It did watch the children: only they load the engines.
    for engine in ("eng.traineddata", "pdfium", "PP-OCRv6_rec_small.onnx", "pikepdf"):
        assert engine in text_of_it
    assert forbidden(text_of_it, urlsplit(embedded_dsn).port or 5432) == []


def test_the_watch_would_see_a_write() -> None:
    seen = forbidden(
        'openat(AT_FDCWD, "/tmp/x", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3\n'
        '12 mkdir("/root/.cache", 0777) = 0\n'
        'mkdir("/root/.cache", 0777) = -1 EEXIST (File exists)\n'
        'openat(AT_FDCWD, "/dev/null", O_RDWR|O_CLOEXEC) = 3\n'
        'connect(5, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}, 16) = 0\n',
        5432,
    )
    assert [line.split("(")[0] for line in seen] == ["openat", "12 mkdir", "connect"]
