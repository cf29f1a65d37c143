"""C-CDA narratives printed as PDF, analyzed, and scored against the coded entries of the same sections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exora.documents.analysis.coding import icd_names
from exora.documents.analysis.lexicon import normal_key
from exora.documents.analysis.local import analyze
from exora.documents.analysis.values import unit_key
from exora.domain.record import Record
from quality.ccda import Section, Truth, number, read_sections
from quality.counting import Counts
from quality.printing import pdf_of, read_pdf
from quality.registry import Measures, Run, scored

FOLDERS = ("ccda-examples", "ccda-documents")
#: Lists scored by name alone, with the measure's name.
LISTS = {"medications": "medication", "allergies": "allergy", "immunizations": "immunization"}
#: Measured values: the list of entries, the record's category, and the measures' prefix.
MEASURED = (("results", "laboratory", "lab"), ("vitals", "vital", "vital"))


def same_name(truth: Truth, name: str) -> bool:
    """Whether a name is one of the entry's: equal, or all words of the shorter one in the longer one."""
    key = normal_key(name)
    return any(key == (other := normal_key(known)) or _inside(key, other) for known in truth.names)


#: Words of a medicine's name that tell its strength and form, not what it is.
_STRENGTH_AND_FORM = frozenset(
    [
        *("mg", "mcg", "ml", "g", "ug", "unt", "units", "unit", "meq", "hr", "actuat", "act", "metered", "dose"),
        *("oral", "tablet", "tablets", "tab", "capsule", "capsules", "cap", "solution", "suspension", "product"),
        *("injection", "injectable", "inhalant", "inhaler", "aerosol", "powder", "cream", "ointment", "syringe"),
        "prefilled",
    ]
)


def same_medicine(truth: Truth, name: str) -> bool:
    """Whether two names of medicines agree apart from strength and form: all words of one are in the other."""
    return same_name(truth, name) or any(
        bool(known := _substance(other)) and bool(mine := _substance(name)) and (known <= mine or mine <= known)
        for other in truth.names
    )


#: Words that tell a vaccine's formulation and how it is given, not what it is against.
_FORMULATION = frozenset(
    [
        *("vaccine", "unspecified", "formulation", "im", "sc", "intramuscular", "injectable", "injection", "valent"),
        *(
            "preservative",
            "free",
            "live",
            "attenuated",
            "intranasal",
            "intradermal",
            "for",
            "use",
            "adult",
            "pediatric",
        ),
    ]
)


def same_vaccine(truth: Truth, name: str) -> bool:
    """Whether two names of vaccines agree apart from formulation: all words of one are in the other."""
    return same_name(truth, name) or any(
        bool(known := _against(other)) and bool(mine := _against(name)) and (known <= mine or mine <= known)
        for other in truth.names
    )


def _against(name: str) -> set[str]:
    return {w for w in normal_key(name).split() if w not in _FORMULATION and not any(map(str.isdigit, w))}


def _substance(name: str) -> set[str]:
    return {w for w in normal_key(name).split() if w not in _STRENGTH_AND_FORM and not any(map(str.isdigit, w))}


def _inside(a: str, b: str) -> bool:
    first, second = set(a.split()), set(b.split())
    small, large = sorted((first, second), key=len)
    return bool(small) and small <= large and any(len(word) > 3 for word in small)


def printed(truth: Truth, text: str, besides: frozenset[str] = frozenset()) -> bool:
    """Whether the narrative holds the entry at all: one of its names, apart from some words, and its value."""
    words = set(normal_key(text).split())
    named = any(set(normal_key(name).split()) - besides <= words for name in truth.names)
    return named and (not truth.value or number(truth.value) in {number(n) for n in re.findall(r"\d[\d.,]*", text)})


def pair(truths: Sequence[Truth], items: Sequence[Any], same: Any) -> list[tuple[Truth, Any]]:
    """Entries and items that are the same, each used once, equal names first."""
    pairs: list[tuple[Truth, Any]] = []
    free = list(items)
    for truth in sorted(truths, key=lambda t: -max(len(n) for n in t.names)):
        fits = [item for item in free if same(truth, item)]
        if fits:
            exact = [item for item in fits if normal_key(item.name) in {normal_key(n) for n in truth.names}]
            chosen = (exact or fits)[0]
            free.remove(chosen)
            pairs.append((truth, chosen))
    return pairs


def unique(truths: Sequence[Truth], text: str, besides: frozenset[str] = frozenset()) -> list[Truth]:
    """The entries that the narrative holds, each once."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for truth in truths:
        key = (truth.names, truth.value)
        if key not in seen and printed(truth, text, besides):
            seen.add(key)
            kept.append(truth)
    return kept


def _count(pairs: int, truths: int, items: int) -> Counts:
    return Counts(pairs, items, pairs, truths)


@scored("ccda", *FOLDERS)
def score(run: Run) -> Measures:
    """F1 of names per list; for results also of name with value, and with unit; exact ICD-10-CM codes."""
    measured = [f"{prefix}_{part}" for _, _, prefix in MEASURED for part in ("name", "value", "unit")]
    counts = {name: Counts() for name in (*LISTS.values(), *measured, "problem")}
    coded = Counts()
    for path in [p for folder in FOLDERS for p in run.files(folder, "**/*.xml")]:
        sections = [section for section in read_sections(path) if section.truth]
        if sections:
            _score_file(run, path, sections, counts, coded)
    return {
        **{f"{name}_f1": count.f1 for name, count in counts.items()},
        **{f"{name}_precision": count.precision for name, count in counts.items()},
        **{f"{name}_recall": count.recall for name, count in counts.items()},
        "icd10_exact": coded.recall,
        "icd10_precision": coded.precision,
    }


def _score_file(run: Run, path: Path, sections: list[Section], counts: dict[str, Counts], coded: Counts) -> None:
    pages = read_pdf(pdf_of((section.title, section.blocks) for section in sections))
    record = analyze(pages, sha256="0" * 64)
    text = " ".join(section.text for section in sections)
    truths = {
        name: unique(
            [t for section in sections for t in section.truth.get(name, ())],
            text,
            _FORMULATION if name == "immunizations" else frozenset(),
        )
        for name in (*LISTS, "results", "vitals", "conditions")
    }
    for list_name, measure in LISTS.items():
        wanted = truths[list_name]
        if not wanted:
            continue
        stated = [item for item in getattr(record, list_name) if not getattr(item, "negated", False)]
        items = list({normal_key(item.name): item for item in stated}.values())
        same = {"medications": same_medicine, "immunizations": same_vaccine}.get(list_name, same_name)
        pairs = pair(wanted, items, lambda truth, item, same=same: same(truth, item.name))
        counts[measure].add(_count(len(pairs), len(wanted), len(items)))
        _note(run, f"{measure}_f1", path, wanted, items, pairs)
    for list_name, category, prefix in MEASURED:
        if truths[list_name]:
            found = [r for r in record.results if r.category == category and number(r.value)[:1].isdigit()]
            found = list({(normal_key(r.name), r.value): r for r in found}.values())
            _score_results(run, path, truths[list_name], found, prefix, counts)
    _score_problems(run, path, truths["conditions"], record, counts["problem"], coded)


def _score_results(
    run: Run, path: Path, wanted: list[Truth], items: list[Any], prefix: str, counts: dict[str, Counts]
) -> None:
    """Counts entries whose value is a number; words as values are not coded alike by all vendors."""

    def named(truth: Truth, item: Any) -> bool:
        return same_name(truth, item.name)

    def valued(truth: Truth, item: Any) -> bool:
        return named(truth, item) and number(truth.value) == number(item.value)

    def whole(truth: Truth, item: Any) -> bool:
        return valued(truth, item) and _same_unit(truth.unit, item.unit)

    for part, same in (("name", named), ("value", valued), ("unit", whole)):
        measure = f"{prefix}_{part}"
        pairs = pair(wanted, items, same)
        counts[measure].add(_count(len(pairs), len(wanted), len(items)))
        _note(run, f"{measure}_f1", path, wanted, items, pairs)


def _same_unit(truth: str, got: str | None) -> bool:
    """Whether a printed unit is the coded one; UCUM's brackets, braces and powers of ten count for nothing."""
    if not truth or truth == "1" or truth.startswith("{"):
        return True
    return _plain(truth) == _plain(got or "")


def _plain(unit: str) -> str:
    key = re.sub(r"\{[^}]*\}|[\[\]_.*^' ]", "", unit_key(unit))
    return {
        "10": "",
        "cel": "c",
        "degc": "c",
        "degf": "f",
        "fahrenheit": "f",
        "inches": "ini",
        "in": "ini",
        "lbs": "lbav",
        "lb": "lbav",
        "/minute": "/min",
        "bpm": "/min",
        "percent": "%",
        "mmhg": "mmhg",
    }.get(key, key)


def complete_codes(codes: frozenset[str]) -> frozenset[str]:
    """The codes that are complete ones of the year's table; samples also carry categories and expired codes."""
    known = icd_names()
    return frozenset(code for code in codes if code in known)


def _score_problems(run: Run, path: Path, wanted: list[Truth], record: Record, problem: Counts, coded: Counts) -> None:
    items = [item for item in record.conditions if not item.negated and item.subject == "patient"]
    if not wanted:
        return
    pairs = pair(wanted, items, lambda truth, item: same_name(truth, item.name))
    problem.add(_count(len(pairs), len(wanted), len(items)))
    _note(run, "problem_f1", path, wanted, items, pairs)
    for truth, item in pairs:
        codes = complete_codes(truth.codes)
        if codes:
            right = item.coding is not None and item.coding.code in codes
            coded.add(Counts(int(right), int(item.coding is not None), int(right), 1))
            if not right:
                run.miss("icd10_exact", f"{path.name}: {item.name}", sorted(codes), item.coding and item.coding.code)


def _note(
    run: Run, measure: str, path: Path, wanted: list[Truth], items: list[Any], pairs: list[tuple[Truth, Any]]
) -> None:
    paired = [truth for truth, _ in pairs]
    taken = [id(item) for _, item in pairs]
    for truth in wanted:
        if truth not in paired:
            run.miss(measure, path.name, f"{sorted(truth.names)} {truth.value} {truth.unit}".strip(), "")
    for item in items:
        if id(item) not in taken:
            value = f"{getattr(item, 'value', '')} {getattr(item, 'unit', '') or ''}".strip()
            run.miss(measure, path.name, "", f"{item.name} {value}".strip())
