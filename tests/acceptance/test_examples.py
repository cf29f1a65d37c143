"""The example documents through the real command line, scored against what is printed on them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_args

import pypdfium2 as pdfium
import pytest
from rich.console import Console

from exora.domain.record import DocumentType, Record
from tests.acceptance.scoring import Scores, score, sum_of, table

DOCUMENTS = Path(__file__).resolve().parents[2] / "examples" / "documents"
MANIFEST: list[dict[str, Any]] = json.loads((DOCUMENTS / "manifest.json").read_text(encoding="utf-8"))
FILES = [line["file"] for line in MANIFEST]
#: The limits the project promises on these documents.
PRECISION, RECALL = 0.85, 0.75
_MISTAKABLE = ("medications", "allergies")
MAX_BYTES = 5 * 1024 * 1024
#: One document is at most twelve pages; a scanned page takes a few seconds of one core.
TIMEOUT_S = 300
#: All documents run in one fixture: keep them on one worker when the suite is spread over several.
pytestmark = pytest.mark.xdist_group("examples")


def _analyze(file: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "exora.cli.main", "analyze", str(DOCUMENTS / file), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def _truth(file: str) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((DOCUMENTS / "truth" / f"{Path(file).stem}.json").read_text(encoding="utf-8"))
    return truth


@pytest.fixture(scope="session")
def answers() -> dict[str, subprocess.CompletedProcess[str]]:
    """What the command answered for each document; two run at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(FILES, pool.map(_analyze, FILES), strict=True))


@pytest.fixture(scope="session")
def records(answers: dict[str, subprocess.CompletedProcess[str]]) -> dict[str, Record]:
    """The records of the documents for which the command printed one."""
    return {
        file: Record.model_validate_json(answer.stdout) for file, answer in answers.items() if answer.returncode == 0
    }


@pytest.mark.parametrize("file", FILES)
def test_command_prints_one_valid_record(file: str, answers: dict[str, subprocess.CompletedProcess[str]]) -> None:
    answer = answers[file]
    assert answer.returncode == 0, answer.stderr[-2000:]
    record = Record.model_validate_json(answer.stdout)
    assert record.document.pages == _truth(file)["pages"]


@pytest.mark.parametrize("file", FILES)
def test_every_item_says_where_it_stands(file: str, records: dict[str, Record]) -> None:
    record = records[file]
    items = list(_items(record))
    assert items
    for item in items:
        assert 1 <= item.source.page <= record.document.pages
        assert item.source.quote.strip()
        assert item.source.box is not None
        x0, y0, x1, y1 = item.source.box
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1


def test_totals_reach_the_promised_precision_and_recall(
    records: dict[str, Record], capsys: pytest.CaptureFixture[str]
) -> None:
    scores: dict[str, Scores] = {file: score(record, _truth(file)) for file, record in records.items()}
    with capsys.disabled():
        Console(width=200).print(table(scores))
    assert set(scores) == set(FILES)
    main = sum_of(scores.values()).main
    assert main.precision >= PRECISION
    assert main.recall >= RECALL


@pytest.mark.parametrize("file", FILES)
def test_no_medicine_is_taken_for_an_allergen_nor_an_allergen_for_a_medicine(
    file: str, records: dict[str, Record]
) -> None:
    names = {kind: {_letters(item["name"]) for item in _truth(file).get(kind, [])} for kind in _MISTAKABLE}
    for kind, other in (_MISTAKABLE, _MISTAKABLE[::-1]):
        found = {_letters(item.name) for item in getattr(records[file], kind)}
        assert not found & (names[other] - names[kind])
    assert len(records[file].allergies) <= len(names["allergies"]) + 1, "more than are printed"


def test_documents_differ_in_kind_format_length_and_patient() -> None:
    assert len(MANIFEST) >= 10
    assert len({line["kind"] for line in MANIFEST}) >= 6
    assert len({line["patient_uuid"] for line in MANIFEST}) >= 4
    assert {Path(file).suffix for file in FILES} == {".pdf", ".jpg", ".tiff", ".heic", ".webp"}
    assert {1, 12} <= {line["pages"] for line in MANIFEST}


def test_manifest_truth_and_files_agree() -> None:
    written = {path.name for path in DOCUMENTS.iterdir() if path.is_file()} - {"manifest.json"}
    assert written == set(FILES)
    assert {path.stem for path in (DOCUMENTS / "truth").iterdir()} == {Path(file).stem for file in FILES}
    for line in MANIFEST:
        truth = _truth(line["file"])
        assert line["kind"] in get_args(DocumentType)
        keys = ("file", "kind", "pages", "patient_uuid")
        assert [line[key] for key in keys] == [truth[key] for key in ("file", "kind", "pages", "patient")]


@pytest.mark.parametrize("file", [line["file"] for line in MANIFEST if line["format"] == "digital PDF"])
def test_truth_is_printed_on_the_document(file: str) -> None:
    document = pdfium.PdfDocument(DOCUMENTS / file)
    text = _letters("".join(page.get_textpage().get_text_bounded() for page in document))
    document.close()
    truth = _truth(file)
    lists = ("medications", "results", "conditions", "allergies", "immunizations", "procedures")
    wanted = [
        entry[key]
        for name in lists
        for entry in truth[name]
        for key in ("name", "value", "dose", "route", "frequency")
        if entry.get(key) and "tolic blood pressure" not in entry[key]
    ]
    assert [printed for printed in wanted if _letters(printed) not in text] == []


def test_documents_stay_small() -> None:
    assert sum(path.stat().st_size for path in DOCUMENTS.rglob("*") if path.is_file()) <= MAX_BYTES


def _letters(text: str) -> str:
    """Letters and digits only: line breaks, and the hyphens at them, do not matter."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _items(record: Record) -> Iterator[Any]:
    for name in record.item_counts():
        yield from getattr(record, name)
