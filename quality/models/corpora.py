"""Reads the annotated texts that sequence models are trained and measured on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Entity(NamedTuple):
    """An annotated span."""

    start: int
    end: int
    kind: str


@dataclass
class Document:
    """A text with its annotated spans, in order and without overlaps."""

    name: str
    text: str
    entities: list[Entity] = field(default_factory=list)


#: The types of MACCROBAT that are scored and trained, under the analyzer's names.
CASE_REPORT_KINDS = {
    "Medication": "drug",
    "Disease_disorder": "problem",
    "Sign_symptom": "problem",
    "Diagnostic_procedure": "test",
    "Lab_value": "value",
    "Dosage": "dose",
    "Administration": "route",
    "Frequency": "frequency",
    "Therapeutic_procedure": "procedure",
    "Date": "date",
    "Age": "age",
    "Sex": "sex",
}


def without_overlaps(entities: list[Entity]) -> list[Entity]:
    """The entities in order; of two that overlap the longer one."""
    kept: list[Entity] = []
    for entity in sorted(entities, key=lambda e: (e.start - e.end, e.start)):
        if all(entity.end <= other.start or other.end <= entity.start for other in kept):
            kept.append(entity)
    return sorted(kept)


def read_pubtator(path: Path) -> list[Document]:
    """Abstracts in PubTator format: ``id|t|title``, ``id|a|abstract``, then tab-separated spans into both, joined."""
    documents: list[Document] = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = block.strip().split("\n")
        if len(lines) < 2 or "|t|" not in lines[0]:
            continue
        name, _, title = lines[0].partition("|t|")
        document = Document(name, f"{title} {lines[1].partition('|a|')[2]}")
        entities = []
        for line in lines[2:]:
            fields = line.split("\t")
            if len(fields) >= 5 and fields[1].isdigit():
                entities.append(Entity(int(fields[1]), int(fields[2]), fields[4].lower()))
        document.entities = without_overlaps(entities)
        documents.append(document)
    return documents


def read_bc5cdr(folder: Path) -> list[Document]:
    """Every abstract of every PubTator file of a folder."""
    return [document for path in sorted(folder.glob("*.PubTator.txt")) for document in read_pubtator(path)]


def read_maccrobat(folder: Path, kinds: dict[str, str] | None = None) -> list[Document]:
    """The case reports of a folder (brat: ``.txt`` and ``.ann``); a span in parts counts from first to last."""
    wanted = CASE_REPORT_KINDS if kinds is None else kinds
    documents = []
    for path in sorted(folder.glob("*.ann")):
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        entities = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("T"):
                continue
            label = line.split("\t")[1]
            kind, _, places = label.partition(" ")
            if kind in wanted:
                numbers = places.replace(";", " ").split()
                entities.append(Entity(int(numbers[0]), int(numbers[-1]), wanted[kind]))
        documents.append(Document(path.stem, text, without_overlaps(entities)))
    return documents


def read_iob(path: Path, kind: str) -> Iterator[Document]:
    """Sentences of tokens and tags, joined by blanks: ten sentences to a document."""
    rows: list[list[tuple[str, str]]] = [[]]
    with path.open(encoding="utf-8") as file:
        for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if len(row) >= 2:
                rows[-1].append((row[0], row[1]))
            elif rows[-1]:
                rows.append([])
    for number in range(0, len(rows), 10):
        text = ""
        entities: list[Entity] = []
        for sentence in rows[number : number + 10]:
            for word, tag in sentence:
                if text and not text.endswith("\n"):
                    text += " "
                if tag.startswith("B") or (tag.startswith("I") and not entities):
                    entities.append(Entity(len(text), len(text) + len(word), kind))
                elif tag.startswith("I"):
                    entities[-1] = entities[-1]._replace(end=len(text) + len(word))
                text += word
            text += "\n"
        yield Document(f"{path.stem}-{number // 10}", text, entities)
