"""End to end on synthetic patients in layouts drawn at random, digital and scanned; and the round trip to FHIR."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from difflib import SequenceMatcher
from typing import Any
from uuid import UUID

from fhir.resources.R4B.bundle import Bundle

from exora.documents.analysis.lexicon import normal_key
from exora.documents.analysis.local import analyze
from exora.documents.analysis.values import unit_key
from exora.documents.fhir import to_bundle
from exora.domain.document import PageText
from exora.domain.record import Record
from quality.counting import Counts
from quality.heldout.clinic import CLINIC_LAYOUTS
from quality.heldout.everyday import everyday_patients
from quality.heldout.further import FURTHER_LAYOUTS
from quality.heldout.layouts import LAYOUTS, Layouts, print_patient
from quality.heldout.patients import Item, Patient, read_patient
from quality.heldout.practice import PRACTICE_LAYOUTS
from quality.heldout.prints import PRINTS_LAYOUTS
from quality.heldout.ward import WARD_LAYOUTS
from quality.printing import read_pdf
from quality.registry import Measures, Run, scored
from quality.scan import read_scans

FOLDER = "fhir-r4-synthea"
#: The edition that is scored, never looked at while the analyzer is worked on; EXORA_EDITION names another one.
EDITION = os.environ.get("EXORA_EDITION", "scored")
_CREATED = datetime(2024, 1, 1, tzinfo=UTC)
#: Names this alike are the same with slips of recognition in them, on scans only.
SIMILAR = 0.88
#: Scans are slow to read: one patient in this many is scanned in each layout.
SCANNED_ONE_IN = 3


def _patients(run: Run) -> list[Patient]:
    found = (read_patient(path) for path in run.files(FOLDER, "*.json"))
    return [patient for patient in found if patient is not None]


def _clinic_patients(run: Run) -> list[Patient]:
    return run.some([*_patients(run), *everyday_patients(EDITION)])


@scored("heldout", FOLDER)
def score(run: Run) -> Measures:
    """The six kinds of layout the analyzer was worked on with, in an edition not looked at."""
    return _score(run, LAYOUTS, _patients(run))


@scored("unseen", FOLDER)
def score_further(run: Run) -> Measures:
    """Six further kinds of layout with other headings."""
    return _score(run, FURTHER_LAYOUTS, _patients(run))


@scored("clinic", FOLDER)
def score_clinic(run: Run) -> Measures:
    """Documents as clinics print them, of the same patients and of invented ones with everyday names."""
    return _score(run, CLINIC_LAYOUTS, _clinic_patients(run))


@scored("practice", FOLDER)
def score_practice(run: Run) -> Measures:
    """Five more such documents, of the same patients."""
    return _score(run, PRACTICE_LAYOUTS, _clinic_patients(run))


@scored("ward", FOLDER)
def score_ward(run: Run) -> Measures:
    """Five forms and letters of wards, pharmacies and schools, of the same patients."""
    return _score(run, WARD_LAYOUTS, _clinic_patients(run))


@scored("prints", FOLDER)
def score_prints(run: Run) -> Measures:
    """Six prints of electronic records, of the same patients."""
    return _score(run, PRINTS_LAYOUTS, _clinic_patients(run))


def _score(run: Run, layouts: Layouts, patients: Sequence[Patient]) -> Measures:
    """F1 per list and its mean over the lists, per layout and over all; pages per second of analysis."""
    tallies = {"digital": _Tally(run), "scanned": _Tally(run)}
    per_layout = {layout: _Tally(None) for layout in layouts}
    seconds, pages_read = 0.0, 0
    for index, patient in enumerate(patients):
        for number, layout in enumerate(layouts):
            content = print_patient(patient, layout, EDITION, layouts)
            pages = read_pdf(content)
            started = time.process_time()
            record = analyze(pages, sha256="0" * 64)
            seconds, pages_read = seconds + time.process_time() - started, pages_read + len(pages)
            tallies["digital"].add(patient, record, f"digital {layout} {index}", similar=1.0)
            per_layout[layout].add(patient, record, "", similar=1.0)
            if (index + number) % SCANNED_ONE_IN == 0:
                scanned = analyze(read_scans(content, f"{index} {layout}"), sha256="0" * 64)
                tallies["scanned"].add(patient, scanned, f"scanned {layout} {index}", similar=SIMILAR)
    return {
        **{f"{kind}_f1": tally.mean_f1() for kind, tally in tallies.items()},
        **{f"{kind}_{name}_f1": count.f1 for kind, tally in tallies.items() for name, count in tally.counts.items()},
        **{f"digital_{layout}_layout_f1": tally.mean_f1() for layout, tally in per_layout.items()},
        "pages_per_cpu_s": pages_read / seconds if seconds else 0.0,
    }


class _Tally:
    """Counts per list over documents."""

    def __init__(self, run: Run | None) -> None:
        self._run = run
        self.counts: dict[str, Counts] = {}

    def add(self, patient: Patient, record: Record, where: str, *, similar: float) -> None:
        """Counts the lists the document states."""
        for list_name, items in patient.lists.items():
            if not items:
                continue
            wanted = list(dict.fromkeys(_printed(item) for item in items))
            got = list(dict.fromkeys(_read(list_name, item) for item in _stated(record, list_name)))
            free = list(got)
            matched = 0
            for one in wanted:
                hit = next((other for other in free if _same(one, other, similar)), None)
                if hit is not None:
                    free.remove(hit)
                    matched += 1
                elif self._run is not None:
                    self._run.miss(f"{where.split(' ')[0]}_f1", f"{where} {list_name}", one, "")
            for other in free if self._run is not None else ():
                assert self._run is not None
                self._run.miss(f"{where.split(' ')[0]}_f1", f"{where} {list_name}", "", other)
            self.counts.setdefault(list_name, Counts()).add(Counts(matched, len(got), matched, len(wanted)))

    def mean_f1(self) -> float:
        """The mean over the lists of their F1."""
        return sum(count.f1 for count in self.counts.values()) / len(self.counts) if self.counts else 0.0


def _stated(record: Record, list_name: str) -> Iterable[Any]:
    return [item for item in getattr(record, list_name) if not getattr(item, "negated", False)]


Key = tuple[str, str, str]


def _printed(item: Item) -> Key:
    return _key(item.name), item.value, _unit(item.unit)


def _read(list_name: str, item: Any) -> Key:
    if list_name == "results":
        return _key(item.name), item.value, _unit(item.unit or "")
    if list_name == "medications" and item.dose and not re.search(r"\d", item.name):
        return _key(f"{item.name} {item.dose}"), "", ""
    return _key(item.name), "", ""


def _key(name: str) -> str:
    return normal_key(name)


def _unit(unit: str) -> str:
    return re.sub(r"[\[\]{}^*° ]", "", unit_key(unit)).replace("mm/hg", "mmhg").replace("degc", "c")


def _same(wanted: Key, got: Key, similar: float) -> bool:
    """Whether two items are the same: value and unit alike, names equal or (on scans) nearly so."""
    if wanted[1:] != got[1:]:
        return False
    if wanted[0] == got[0]:
        return True
    return similar < 1 and SequenceMatcher(None, wanted[0], got[0]).ratio() >= similar


#: List of the record to the resource it is exported as, and the element that holds its code.
_RESOURCES = {
    "conditions": ("Condition", "code"),
    "medications": ("MedicationStatement", "medicationCodeableConcept"),
    "allergies": ("AllergyIntolerance", "code"),
    "results": ("Observation", "code"),
    "procedures": ("Procedure", "code"),
    "immunizations": ("Immunization", "vaccineCode"),
}
#: Systems whose codes the bundles carry too; SNOMED CT is not given.
_CODED = ("http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/cvx")


@scored("fhir-r4-synthea", FOLDER)
def score_round_trip(run: Run) -> Measures:
    """A patient's bundle printed in tables, read, exported as a bundle, validated, and compared with the first."""
    names = {list_name: Counts() for list_name in _RESOURCES}
    codes = Counts()
    valid = count = 0
    for patient in _patients(run):
        record = analyze(_digital(patient), sha256="0" * 64)
        bundle = to_bundle(
            record, document_id=UUID(int=1), patient_id=UUID(int=2), created=datetime(2024, 1, 1, tzinfo=UTC)
        )
        count += 1
        valid += _is_valid(bundle)
        for list_name, (kind, element) in _RESOURCES.items():
            found = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]
            items = patient.lists.get(list_name, [])
            if items:
                _compare(items, [r[element] for r in found if element in r], names[list_name], codes)
    mean = [c.f1 for c in names.values() if c.truth]
    return {
        **{f"{_RESOURCES[name][0].lower()}_f1": c.f1 for name, c in names.items() if c.truth},
        "mean_f1": sum(mean) / len(mean) if mean else 0.0,
        "code_precision": codes.precision,
        "code_recall": codes.recall,
        "valid_share": valid / count if count else 0.0,
    }


def _digital(patient: Patient) -> Sequence[PageText]:
    return read_pdf(print_patient(patient, "tables", EDITION))


def _is_valid(bundle: dict[str, Any]) -> bool:
    try:
        Bundle.model_validate(bundle)
    except ValueError:
        return False
    return True


def _compare(items: Sequence[Item], concepts: Sequence[dict[str, Any]], names: Counts, codes: Counts) -> None:
    wanted = {_key(item.name): item.code for item in items}
    got = {_key(str(concept.get("text", ""))): concept for concept in concepts}
    both = wanted.keys() & got.keys()
    names.add(Counts(len(both), len(got), len(both), len(wanted)))
    for key in both:
        given = [c["code"] for c in got[key].get("coding", ()) if c.get("system") in _CODED]
        right = int(wanted[key] in given)
        codes.add(Counts(right, int(bool(given)), right, 1))
