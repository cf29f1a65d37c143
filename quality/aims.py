"""What the project aims for, by set and measure."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Aim(NamedTuple):
    """A bound that a measure should reach from one side."""

    sign: Literal["≥", "≤"]
    bound: float


def reached(aim: Aim, value: float) -> bool:
    """Whether the value is on the right side of the aim."""
    return value >= aim.bound if aim.sign == "≥" else value <= aim.bound


def _at_least(**bounds: float) -> dict[str, Aim]:
    return {name: Aim("≥", bound) for name, bound in bounds.items()}


def _at_most(**bounds: float) -> dict[str, Aim]:
    return {name: Aim("≤", bound) for name, bound in bounds.items()}


_BY_SET: dict[str, dict[str, Aim]] = {
    "bc5cdr": _at_least(chemical_strict_f1=0.89, disease_strict_f1=0.84),
    "maccrobat": _at_least(
        drug_overlap_f1=0.82,
        problem_overlap_f1=0.79,
        test_overlap_f1=0.80,
        value_overlap_f1=0.78,
        dose_overlap_f1=0.80,
        date_overlap_f1=0.92,
    ),
    "context-assertion": _at_least(negation_f1=0.95, historical_f1=0.72),
    "ccda": _at_least(
        medication_f1=0.92,
        allergy_f1=0.92,
        immunization_f1=0.92,
        lab_name_f1=0.95,
        lab_value_f1=0.95,
        lab_unit_f1=0.95,
        icd10_exact=0.80,
        icd10_precision=0.95,
    ),
    "heldout": _at_least(digital_f1=0.90, scanned_f1=0.80),
    "unseen": _at_least(digital_f1=0.90, scanned_f1=0.80),
    "clinic": _at_least(digital_f1=0.90, scanned_f1=0.80),
    "practice": _at_least(digital_f1=0.90, scanned_f1=0.80),
    "ward": _at_least(digital_f1=0.90, scanned_f1=0.80),
    "prints": _at_least(digital_f1=0.90, scanned_f1=0.80),
    "funsd": _at_least(word_f1=0.83),
    "sroie": _at_least(word_f1=0.92),
    "rendered": _at_most(clean_cer=0.0010, degraded_cer=0.0020),
    "bad-files": _at_most(hung=0, crashed=0),
    "analyzer": {**_at_least(pages_per_s=20), **_at_most(peak_mb=300)},
    "reading": _at_least(digital_pages_per_s=80),
    "memory": _at_most(peak_rss_mb=512, unfinished=0),
    "steps": _at_most(paid_twice=0),
}
AIMS: dict[str, Aim] = {f"{name}.{measure}": aim for name, aims in _BY_SET.items() for measure, aim in aims.items()}
