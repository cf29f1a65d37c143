"""Negation, history and experiencer of a phrase in its sentence (NegEx/ConText test kit)."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from exora.documents.analysis.context import Context, context_of
from quality.counting import Counts
from quality.registry import Measures, Run, scored

FOLDER = "context-assertion"


def read_rows(folder: Path) -> list[dict[str, str]]:
    """The rows of the set, by column name."""
    rows: list[dict[str, str]] = []
    columns = ("number", "note", "phrase", "sentence", "negation", "temporality", "experiencer")
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8") as file:
            rows.extend(
                dict(zip(columns, row, strict=False))
                for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
                if len(row) >= 7 and row[4] in {"Negated", "Affirmed"}
            )
    return rows


def find_phrase(phrase: str, sentence: str) -> re.Match[str] | None:
    """Where the phrase stands in the sentence: in capitals, else in any case."""
    pattern = r"\s+".join(map(re.escape, phrase.upper().split()))
    return re.search(pattern, sentence) or re.search(pattern, sentence, re.I)


@scored("context-assertion", FOLDER)
def score(run: Run) -> Measures:
    """F1 of each context; rows whose phrase is not in the sentence are left out."""
    counts = {"negation": Counts(), "historical": Counts(), "family": Counts()}
    skipped = 0
    for row in run.some(read_rows(run.folder(FOLDER))):
        place = find_phrase(row["phrase"], row["sentence"])
        if place is None:
            skipped += 1
            continue
        context: Context = context_of(row["sentence"], place.start(), place.end())
        truth = {
            "negation": row["negation"] == "Negated",
            "historical": row["temporality"] == "Historical",
            "family": row["experiencer"] == "Family member",
        }
        got = {
            "negation": context.negated,
            "historical": context.temporality == "historical",
            "family": context.subject == "family",
        }
        for name, count in counts.items():
            both = int(truth[name] and got[name])
            count.add(Counts(both, int(got[name]), both, int(truth[name])))
            if truth[name] != got[name]:
                run.miss(
                    f"{name}_f1", f"{row['number']}: {row['phrase']}", truth[name], f"{got[name]}: {row['sentence']}"
                )
    if skipped:
        run.notes.append(f"{skipped} rows left out, their phrase is not in their sentence")
    return {
        f"{name}_{measure}": getattr(count, measure)
        for name, count in counts.items()
        for measure in ("f1", "precision", "recall")
        if count.truth
    }
