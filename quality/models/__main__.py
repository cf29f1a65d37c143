"""Command line: ``python -m quality.models --data FOLDER --packages FOLDER`` rebuilds word lists and models."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import time
from pathlib import Path

from exora.documents.analysis.sequence import Tagger, packaged, word_lists
from quality.models import train, wordlists

ANALYSIS = Path(__file__).resolve().parents[2] / "src/exora/documents/analysis"
#: Names of the documents the packaged models were trained on: the measurement must know them.
TRAINED_ON = ANALYSIS / "models" / "trained-on.txt"


def _write(path: Path, data: bytes) -> None:
    """Writes a file compressed without a time stamp, so that two builds are identical."""
    path.write_bytes(gzip.compress(data, mtime=0))
    print(f"{path.name}: {path.stat().st_size:,} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}")


def _write_word_lists(packages: Path) -> None:
    for name, keys in (
        ("disease-names.txt.gz", wordlists.disease_names(packages)),
        ("drug-names.txt.gz", wordlists.drug_names(packages)),
    ):
        _write(ANALYSIS / "tables" / name, ("\n".join(keys) + "\n").encode())
    word_lists.cache_clear()


def main() -> None:
    """Builds the word lists from their packages (if named), then trains both models."""
    parser = argparse.ArgumentParser(prog="python -m quality.models", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds bc5cdr and maccrobat")
    parser.add_argument("--packages", type=Path, help="folder with the unpacked packages of names")
    arguments = parser.parse_args()
    started = time.monotonic()
    if arguments.packages:
        _write_word_lists(arguments.packages)
    abstracts = train.training_abstracts(arguments.data)
    model = train.train_abstracts(abstracts)
    _write(ANALYSIS / "models" / "abstracts.crf.gz", model)
    reports = train.training_case_reports(arguments.data)
    classes = train.group_words(abstracts, reports)
    lines = ("\t".join([word, *map(str, groups)]) for word, groups in sorted(classes.items()))
    _write(ANALYSIS / "tables" / "word-classes.tsv.gz", ("\n".join(lines) + "\n").encode())
    _write(ANALYSIS / "models" / "case-reports.crf.gz", train.train_case_reports(reports, Tagger(model), classes))
    names = [f"bc5cdr {one.name}" for one in abstracts] + [f"maccrobat {one.name}" for one in reports]
    TRAINED_ON.write_text("\n".join(names) + "\n")
    packaged.cache_clear()
    print(f"{len(abstracts)} abstracts and {len(reports)} case reports in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
