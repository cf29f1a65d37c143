"""Decides what kind of document it is, from its title or else from what it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exora.documents.analysis.geometry import Row
from exora.domain.record import DocumentType

#: Rows at the top of the document where a title may stand.
_TITLE_ROWS = 14
_PRINTED: tuple[tuple[DocumentType, str], ...] = (
    (
        "discharge_summary",
        r"\bdischarge (?:summary|letter|report|note)|hospital discharge|summary of (?:hospital )?stay|"
        r"discharge summari[sz]ation",
    ),
    (
        "pathology_report",
        r"\b(?:surgical )?pathology (?:report|consultation)|cytology report|histopathology|biopsy report",
    ),
    (
        "radiology_report",
        r"\b(?:radiology|imaging|x-?ray|mri|ct|ultrasound|mammogra\w+) (?:report|exam|study)|diagnostic imaging|"
        r"^(?:mri|ct|cta|us|xr)\b.{0,50}$|\bradiograph",
    ),
    ("operative_note", r"\boperative (?:report|note|record)|operation (?:report|note)|procedure note|surgical report"),
    (
        "laboratory_report",
        r"\b(?:laborator(?:y|ies)|lab|pathology laboratory|clinical laboratory|biochemistry|"
        r"hematology)\b.{0,25}\b(?:report|results?|findings)|^laborator(?:y|ies)(?: services)?$|"
        r"test results? report|results? report|cumulative results",
    ),
    (
        "immunization_record",
        r"\b(?:immuni[sz]ation|vaccination|vaccine)s?\b.{0,20}\b(?:record|history|certificate|card|summary|report|"
        r"list|status|registry)|^immuni[sz]ations?$|certificate of immuni",
    ),
    ("prescription", r"^(?:e-?)?prescription\b|\bprescription (?:order|form|pad)|^rx$"),
    (
        "medication_list",
        r"\b(?:medications?|medicines?|drug) (?:list|profile|summary|record|history|review|reconciliation|"
        r"schedule|chart|card|statement|overview)|^(?:current|active|my|home)? ?medications?$",
    ),
    ("referral_letter", r"\breferral\b|letter of referral|\brefer(?:red)? to\b.{0,30}$|reason for referral"),
    (
        "consultation_note",
        r"\bconsult(?:ation)?\b.{0,20}(?:note|report|letter|summary)?|initial consult|outpatient letter|clinic letter",
    ),
    (
        "vital_signs",
        r"\bvital signs? (?:record|flow ?sheet|report|chart|log)|observation chart|vitals (?:record|log|chart|report)",
    ),
    (
        "progress_note",
        r"\b(?:progress|soap|follow-?up|office visit|clinic|visit|encounter|h&p|history and physical) (?:note|"
        r"summary|report)|history and physical",
    ),
)
_TITLES = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _PRINTED)


def document_type(rows: Sequence[Row], section_kinds: Sequence[str], counts: Mapping[str, int]) -> DocumentType:
    """The document's type.

    Args:
        rows: the document's rows in order; the first ones are searched for a title.
        section_kinds: kinds of the sections found.
        counts: number of items per list of the record; decides where no title does.
    """
    head = [row for row in rows[:_TITLE_ROWS] if len(row.text) < 90]
    best: tuple[float, DocumentType] | None = None
    for index, row in enumerate(head):
        for segment in row.segments:
            for kind, pattern in _TITLES:
                match = pattern.search(segment.text.strip())
                if match:
                    score = row.height * (len(match.group()) / max(len(segment.text), 12)) - 0.02 * index
                    if best is None or score > best[0]:
                        best = (score, kind)
                    break
    if best is not None:
        return best[1]
    return _by_content(" ".join(row.text for row in rows[:200]).lower(), section_kinds, counts)


def _by_content(text: str, kinds: Sequence[str], counts: Mapping[str, int]) -> DocumentType:
    if "date of discharge" in text or "discharge diagnos" in text or "discharge medications" in text:
        return "discharge_summary"
    if "preoperative diagnosis" in text or "postoperative diagnosis" in text:
        return "operative_note"
    if re.search(
        r"\b(?:thank you for (?:seeing|referring)|referr(?:ed|ing) (?:to|this)|grateful if you would see)", text
    ):
        return "consultation_note" if "for referring" in text else "referral_letter"
    if re.search(r"\bspecimen\b.{0,40}\b(?:collected|received)", text) and counts.get("results", 0) >= 3:
        return "laboratory_report"
    total = sum(counts.values()) or 1
    for name, kind in _MAINLY.items():
        if counts.get(name, 0) >= 0.7 * total and counts.get(name, 0) >= 2:
            return kind
    if {"exam", "prose"} <= set(kinds):
        return "progress_note"
    return "other"


_MAINLY: dict[str, DocumentType] = {
    "results": "laboratory_report",
    "immunizations": "immunization_record",
    "medications": "medication_list",
}
