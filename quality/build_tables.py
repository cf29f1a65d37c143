"""Builds the analyzer's packaged code tables from public code lists, reproducibly."""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.resources
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

from exora.documents.analysis.lexicon import normal_key

OUT = Path(__file__).resolve().parent.parent / "src/exora/documents/analysis/tables"
#: Chapters whose names are diseases, symptoms or findings a document would list.
CONDITION_CODES = re.compile(r"[A-NO-RSTUZ]")
#: LOINC rows of the source that name a document, a section or a survey question, not a measurement.
NOT_MEASURED = re.compile(
    r"note|narrative|section|history|document|summary|diagnosis|plan|reason|status|panel|list|consent|surgical|"
    r"procedure|condition|problem|complain|care team|characteristics|function|goals|instruct|certificate|you |within|"
    r"advance|affiliation|allerg|annotation|assessment|physical|findings|immuniz|medication|encounter|payment|"
    r"results|risk|true|yes|relevant|identifier|orientation|identity|birth|worried|hunger|food|equipment|social|"
    r"directive|hospital|nutrition|objective|subjective|course|death|complication|belief|health|language|\?|review|"
    r"nurse|treatment|vital|cognitive|information|outcome|prognosis|smoke|things|transfer|bathing|interview|deprecated",
    re.I,
)
KEPT_ANYWAY = re.compile(r"^tobacco smoking status nhis$", re.I)


def icd_names() -> list[tuple[str, str, int]]:
    """(name, code, rank) for every complete ICD-10-CM code; rank 0 its own name, 1 the name of the
    unspecified code without that word, 2 an inclusion term."""
    data = importlib.resources.files("simple_icd_10_cm") / "data"
    tabular = next(entry for entry in data.iterdir() if entry.name.endswith(".xml"))
    root = ET.fromstring(tabular.read_bytes())  # noqa: S314 - a file of an installed, pinned package
    rows: list[tuple[str, str, int]] = []

    def walk(node: ET.Element, extended: bool) -> None:
        extended = extended or node.find("sevenChrDef") is not None
        children = node.findall("diag")
        code, name = node.findtext("name") or "", node.findtext("desc") or ""
        if not children and not extended and CONDITION_CODES.match(code):
            rows.extend(_variants(name, code))
            inclusion = node.find("inclusionTerm")
            for note in inclusion if inclusion is not None else ():
                rows.extend((variant, code, 2) for variant, _, _ in _variants(note.text or "", code))
        for child in children:
            walk(child, extended)

    for chapter in root.findall("chapter"):
        for section in chapter.findall("section"):
            for diagnosis in section.findall("diag"):
                walk(diagnosis, chapter.find("sevenChrDef") is not None)
    return rows


def _variants(name: str, code: str) -> list[tuple[str, str, int]]:
    """The name itself and its safe shorter forms: ICD-10-CM says words in parentheses never change the
    code, and "unspecified" and "NOS" stand for the name alone."""
    rows = [(name, code, 0)]
    bare = re.sub(r"\s*\([^)]*\)", "", name).strip()
    if bare != name:
        rows.append((bare, code, 0))
    short = re.sub(r",? unspecified$|^unspecified |,? NOS$", "", bare, flags=re.I)
    if short != bare:
        rows.append((short, code, 1))
    return rows


def icd_table(rows: list[tuple[str, str, int]]) -> tuple[list[str], dict[str, str]]:
    """Lines "key, code" without any key two codes claim at the same rank, and code to display."""
    claims: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    display: dict[str, str] = {}
    for name, code, rank in rows:
        key = normal_key(name)
        if len(key) >= 3:
            claims[key][rank].add(code)
        if rank == 0:
            display.setdefault(code, name)
    chosen = {}
    for key, ranks in claims.items():
        best = ranks[min(ranks)]
        if len(best) == 1:
            chosen[key] = next(iter(best))
    return [f"{key}\t{chosen[key]}" for key in sorted(chosen)], display


def seen_codes(path: Path) -> dict[str, list[tuple[str, str, int]]]:
    """(code, display, count) per system of the list of codes seen in sample records."""
    systems: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            display = row["display"].strip()
            if ("?" in display and "Are" not in display) or ("*" in display and row["system"] == "RXNORM"):
                continue
            systems[row["system"]].append((row["code"].strip(), display, int(row["count"])))
    return systems


def small_table(rows: list[tuple[str, str, int]]) -> list[str]:
    """Lines "code, display", the most frequent display of a code first; a name that two codes share goes
    to a code only if it is seen there five times as often as in any other."""
    weight: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for code, display, count in rows:
        weight[normal_key(display)][code] += count
    lines = []
    for code, display, count in sorted(rows, key=lambda row: (row[0], -row[2], row[1])):
        others = [n for other, n in weight[normal_key(display)].items() if other != code]
        if not others or count >= 5 * max(others):
            lines.append(f"{code}\t{display}")
    return lines


def write(name: str, lines: list[str]) -> None:
    """Writes a table; a name ending in .gz is compressed without time stamp, so that builds are identical."""
    data = ("\n".join(lines) + "\n").encode()
    if name.endswith(".gz"):
        data = gzip.compress(data, mtime=0)
    (OUT / name).write_bytes(data)


def main() -> None:
    """Command line: the path of the list of seen codes (tab-separated: system, code, display, count)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seen_codes", type=Path, help="seen-codes.tsv")
    systems = seen_codes(parser.parse_args().seen_codes)
    lines, display = icd_table(icd_names())
    write("icd10cm-keys.tsv.gz", lines)
    write("icd10cm-names.tsv.gz", [f"{code}\t{display[code]}" for code in sorted(display)])
    measured = [
        row
        for row in systems["LOINC"]
        if re.fullmatch(r"\d+-\d", row[0])
        and row[1] != "Note"
        and (KEPT_ANYWAY.match(row[1]) or not NOT_MEASURED.search(row[1]))
    ]
    write("loinc.tsv", small_table(measured))
    named = [row for row in systems["RXNORM"] if len(row[1]) > 4 and row[1] != "Aerosol"]
    write("rxnorm.tsv", small_table(named))
    write("cvx.tsv", small_table(systems["CVX"]))


if __name__ == "__main__":
    main()
