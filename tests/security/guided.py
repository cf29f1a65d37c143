"""``python -m tests.security.guided --minutes N [--target NAME]``: fuzzing of readers, guided by the code they reach.

libFuzzer under atheris changes the examples, keeps what reaches new branches of the readers, and changes that further.
Each target runs in a process of its own, as in a child of the pool but without its limits. An input may end in a typed
error or in what the target makes of it; one that ends in anything else is kept in build/guided. Needs build/atheris:
``make fuzz-guided`` puts it there.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

WORK = Path("build/guided")
_PACKAGE = Path("build/atheris")
_DONE = re.compile(r"Done (\d+) runs in (\d+) second")
_COVERED = re.compile(r"cov: (\d+)")
_LONGEST = 20_000

One = Callable[[bytes], object]


def _page(content: bytes) -> object:
    """Any file, by its magic bytes, to the words of its first page."""
    from exora.documents.page_reader import open_document, prepare_page
    from exora.domain.document import DocumentLimits

    limits = DocumentLimits(max_page_megapixels=4)
    open_document(content, limits)
    return prepare_page(content, 1, limits)


def _word(content: bytes) -> object:
    """The main part of a Word file."""
    from tests.documents.word_files import docx

    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx())) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), content if name == "word/document.xml" else old.read(name))
    return _page(file.getvalue())


def _entries(content: bytes) -> object:
    """The coded entries of a C-CDA."""
    from exora.documents.analyze import complete_record
    from exora.documents.sniff import Format, sniff
    from exora.domain.document import DocumentLimits
    from exora.domain.record import DocumentInfo, Engines, Record

    if sniff(content) is not Format.CCDA:
        return None
    empty = Record(
        document=DocumentInfo(type="other", pages=1, sha256="0" * 64), engines=Engines(ocr="none", analyzer="none")
    )
    return Record.model_validate_json(complete_record(content, empty.to_json(), DocumentLimits()))


def _answer(content: bytes) -> object:
    """A model's answer about two pages."""
    from pydantic import ValidationError

    from exora.documents.analysis.grounding import record_of_answers
    from exora.documents.analysis.remote_answer import Answer
    from exora.domain.record import Record
    from tests.security.targets import pages_of_answers

    text = content.decode("utf-8", "replace")
    try:
        Answer.model_validate_json(text)
    except ValidationError:
        return None
    return Record.model_validate_json(record_of_answers([((1, 2), text)], pages_of_answers(), "0" * 64, "model", ()))


def _seeds(kind: str) -> list[bytes]:
    from tests.security.mutations import seeds

    return seeds()[kind]


def _word_seeds() -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(_seeds("docx")[0])) as package:
        return [package.read("word/document.xml")]


def _answer_seeds() -> list[bytes]:
    from hypothesis import Phase, given, settings

    from tests.security.answers import good_answers

    made: list[bytes] = []

    @settings(max_examples=30, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(good_answers())
    def note(answer: dict[str, Any]) -> None:
        made.append(json.dumps(answer).encode())

    note()
    return made


#: What is called, and what it begins with.
TARGETS: dict[str, tuple[One, Callable[[], list[bytes]]]] = {
    "text": (_page, lambda: _seeds("text")),
    "word": (_word, _word_seeds),
    "ccda": (_page, lambda: _seeds("ccda")),
    "ccda entries": (_entries, lambda: _seeds("ccda")[:1]),
    "pictures": (_page, lambda: [c for k in ("png", "jpeg", "tiff", "gif", "bmp", "webp", "heic") for c in _seeds(k)]),
    "pdf": (_page, lambda: _seeds("pdf")[:1]),
    "model answers": (_answer, _answer_seeds),
}


def fuzz(name: str, seconds: int) -> None:
    """Fuzz a target until the time is over; ends the process."""
    sys.path.append(str(_PACKAGE))
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["exora.documents", "exora.domain"]):
        one, seeds = TARGETS[name]
        folder = WORK / name.replace(" ", "-")
        corpus = folder / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(seeds()):
            (corpus / f"seed-{number}").write_bytes(content[:_LONGEST])
            _typed(one, content)  # imports what is instrumented
    options = [f"-max_total_time={seconds}", f"-max_len={_LONGEST}", "-timeout=60", "-rss_limit_mb=3000"]
    atheris.Setup([name, *options, f"-artifact_prefix={folder}/", str(corpus)], lambda content: _typed(one, content))
    atheris.Fuzz()


def _typed(one: One, content: bytes) -> None:
    from exora.errors import DocumentError

    with contextlib.suppress(DocumentError):
        one(content)


def main(minutes: float, names: list[str]) -> int:
    """Fuzz the targets in turn; exit code 1 for a defect."""
    worst, seconds = 0, max(int(minutes * 60 / len(names)), 1)
    for name in names:
        command = [sys.executable, "-m", "tests.security.guided", "--fuzz", name, "--seconds", str(seconds)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
        said = ended.stdout + ended.stderr
        runs, covered = _DONE.search(said), _COVERED.findall(said)
        print(
            f"{name:<14} {runs[1] if runs else '?':>9} inputs, {covered[-1] if covered else '?':>6} branches reached:",
            end=" ",
        )
        print("no defect" if ended.returncode == 0 else f"DEFECT\n{said[-4000:]}", flush=True)
        worst |= ended.returncode != 0
    return worst


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--target", choices=list(TARGETS), action="append")
    parser.add_argument("--fuzz", choices=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    given_ = parser.parse_args()
    if given_.fuzz:
        fuzz(given_.fuzz, given_.seconds)
    else:
        sys.exit(main(given_.minutes, given_.target or list(TARGETS)))
