"""Recognizes the headings of a document's sections."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from exora.documents.analysis.lexicon import normal_key

_HEADINGS: dict[str, str] = {
    "medications": """medications|medication|medication list|current medications|active medications|home medications
        |discharge medications|medications on admission|admission medications|medications on discharge|meds
        |current meds|medications prior to admission|prescriptions|active prescriptions|current medication list
        |medication history|history of medication use|medicines|drugs|outpatient medications|medication orders
        |medications prescribed|medication summary|active medication list|prescribed medications|medication profile
        |medications at discharge|medication reconciliation|past medications|previous medications|inpatient medications
        |discontinued medications|stopped medications|medications administered|inactive medications|treatments""",
    "allergies": """allergies|allergy|allergy list|known allergies|drug allergies|allergies and intolerances
        |allergies and adverse reactions|allergies adverse reactions alerts|adverse reactions|allergic history
        |allergies intolerances|allergy history|medication allergies|allergies alerts|allergies and sensitivities
        |allergies reactions|intolerances""",
    "conditions": """problems|problem list|active problems|diagnoses|diagnosis|active diagnoses|conditions
        |medical problems|current problems|discharge diagnoses|discharge diagnosis|admission diagnosis
        |admitting diagnosis|admission diagnoses|admitting diagnoses|final diagnosis|final diagnoses
        |principal diagnosis|primary diagnosis|secondary diagnoses|secondary diagnosis|active conditions
        |health problems|health concerns|current conditions|medical conditions|encounter diagnoses|chief diagnoses
        |encounter diagnosis|preoperative diagnosis|postoperative diagnosis|pre operative diagnosis
        |post operative diagnosis|problem summary|known conditions|diagnosis list|active problem list
        |diagnostic impression|other diagnoses|associated diagnoses|diagnoses and problems|comorbidities
        |problems and diagnoses|problems diagnoses|chronic conditions|condition list|hospital diagnoses
        |conditions and diagnoses|conditions problems|problems conditions|clinical problems|active medical problems""",
    "history": """past medical history|medical history|pmh|past history|history of past illness|resolved problems
        |previous medical history|past illnesses|relevant history|past conditions|resolved conditions
        |prior conditions|inactive problems|history of conditions|relevant medical history|past diagnoses
        |significant past medical history|background|medical background|previous diagnoses|prior medical history
        |past problems|past medical problems|clinical history""",
    "family": "family history|family medical history|fh|family hx|fhx",
    "results": """results|laboratory results|lab results|laboratory|labs|laboratory data|laboratory findings
        |lab data|test results|laboratory studies|diagnostic results|investigations|chemistry|hematology
        |haematology|lipid panel|complete blood count|cbc|basic metabolic panel|comprehensive metabolic panel
        |metabolic panel|urinalysis|pertinent results|recent results|relevant results|observations|laboratory report
        |coagulation|immunology|serology|microbiology|endocrinology|thyroid|hba1c|laboratory tests|recent labs
        |most recent results|latest results|diagnostic data|lab values|laboratory values|test result summary
        |relevant diagnostic tests|relevant diagnostic tests and or laboratory data|recent laboratory results
        |pertinent laboratory results|relevant investigations|investigation results|lab tests|recent lab results
        |results and observations|clinical chemistry|pertinent labs|admission labs|discharge labs|recent investigations
        |observations and results|results summary|biochemistry|studies|diagnostic studies|measurements""",
    "vitals": """vital signs|vitals|vital signs and measurements|vitals signs|most recent vital signs|latest vitals
        |measurements and vitals|discharge vitals|admission vitals|vital signs on admission|recent vitals
        |vital signs at discharge|recent vital signs|latest vital signs|vital sign measurements|vital signs on discharge
        |biometrics|vital measurements""",
    "immunizations": """immunizations|immunisations|immunization history|immunisation history|vaccinations|vaccines
        |vaccination history|immunization record|vaccination record|immunization|immunizations given|vaccine history
        |history of immunizations|vaccine administration record|immunizations administered|vaccines administered
        |immunization summary|preventive immunizations|vaccination|immunization status|vaccine record""",
    "procedures": """procedures|procedures performed|procedure|surgical history|past surgical history|psh
        |history of procedures|operations|procedures and interventions|surgeries|prior procedures|operative procedures
        |procedure history|past procedures|hospital procedures|procedures done|operation|operations performed
        |procedures and operations|procedures and treatments|surgical procedures|procedures and surgeries
        |past surgeries|procedures during admission|principal procedure|procedures surgeries|interventions
        |procedures this admission|title of operation|name of procedure|recent procedures""",
    "encounters": """encounters|encounter history|visit history|visits|history of encounters|recent encounters
        |hospitalizations|encounter|visit|encounter details|visit information|admissions|visit details
        |past encounters|encounter information|encounter summary|visit summary|recent visits|previous visits
        |care history|admission details|hospital stay|previous encounters|stay|episode of care|appointments""",
    "prose": """assessment|impression|assessment and plan|impression and plan|history of present illness|hpi
        |present illness|interval history|clinical summary|summary|hospital course|course in hospital
        |brief hospital course|reason for referral|reason for consultation|clinical impression|a p|evaluation
        |reason for admission|history|discussion|narrative|subjective|objective|consultation|findings|opinion
        |summary of care|clinical course|clinical findings|history and physical|case summary|assessment plan
        |presenting complaint|history of presenting complaint|chief complaint|reason for visit|chief complaints
        |reason for hospitalization|indication|clinical indication|indications|course|indication for referral
        |chief complaint and reason for visit|ed course|emergency department course|presentation|clinical information
        |assessment and recommendations|impressions|medical decision making|complications|reason for encounter|conclusion""",
    "exam": """physical examination|physical exam|examination|exam|review of systems|ros|general examination
        |on examination|mental status examination|discharge physical|discharge examination|system review""",
    "plan": """plan|recommendations|follow up|followup|plan of care|care plan|treatment plan|discharge instructions
        |instructions|follow up instructions|disposition|discharge plan|patient instructions|next steps|goals
        |follow up plan|plan of treatment|recommendation|future appointments|discharge disposition|management plan
        |care plans|request|requests|questions|discharge condition|condition at discharge|condition on discharge
        |hospital discharge instructions|precautions|return precautions|activity|diet|activities""",
    "social": "social history|social hx|habits|lifestyle|occupation|sh|smoking status|tobacco use|substance use",
    "patient": """patient|patient information|patient details|demographics|patient demographics|patient data
        |personal information|patient identification|about the patient|identification""",
    "other": """notes|comments|comment|remarks|insurance|payers|signature|signed|electronically signed by
        |care team|advance directives|functional status|medical equipment|cc|legend|disclaimer|interpretation|provider
        |code status|emergency contact|facility|specimen|specimens|specimen information|ordering provider|pharmacy
        |contact|referring provider|referred to|attachments|enclosures|technique|comparison|anesthesia|billing|claims
        |description of procedure|estimated blood loss|specimens removed|surgeon|assistant|dear doctor|care plan goals
        |organization|provider information|providers|nutrition|developmental history|mental status|order information""",
}
_KIND = {
    normal_key(name): kind for kind, names in _HEADINGS.items() for name in names.replace("\n", " ").split("|")
}
_NUMBERING = re.compile(r"^\s*(?:(?:\d{1,2}|[IVX]{1,4}|[A-H])[.)]\s*|[#*•■▪►>§–—-]+\s*)+")
_CONTINUED = re.compile(r"\s*[(\[]?\b(?:continued|cont'?d|cont\.)[)\]]?\s*$", re.I)
_TRAILING = re.compile(r"\s*(?:\(\s*\d+\s*\)|\d+\s*$)\s*$")
_COUNT_OR_NOTE = re.compile(r"\s*\([^)]*\)\s*$")


class Heading(NamedTuple):
    """A section's heading: its kind, and where the text after it starts in the row (0 if it stands alone)."""

    kind: str
    rest: int
    title: str


def heading_kind(title: str) -> str | None:
    """The kind of section a title names, or None; a letter that OCR misread is forgiven in long titles."""
    key = normal_key(_CONTINUED.sub("", _NUMBERING.sub("", title)).strip(" :.-–—_=*"))
    if not key or len(key) > 60:
        return None
    return _kind_of(key)


def _kind_of(key: str) -> str | None:
    for candidate in (key, key.removeprefix("patient ").removeprefix("the "), key.removesuffix(" list")):
        if candidate in _KIND:
            return _KIND[candidate]
    if len(key) < 7:
        return None
    near = _near_names().nearest(key)
    return _KIND[near] if near else None


class NearNames:
    """Finds the name that differs from a key by at most one letter."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_end: dict[str, list[str]] = {}
        for name in names:
            # One wrong letter leaves the first or the last three letters as they are.
            for end in {"<" + name[:3], ">" + name[-3:]}:
                self._by_end.setdefault(end, []).append(name)

    def nearest(self, key: str) -> str | None:
        """A name within one letter of ``key``, or None."""
        for end in ("<" + key[:3], ">" + key[-3:]):
            for name in self._by_end.get(end, ()):
                if within_one(name, key):
                    return name
        return None


@functools.cache
def _near_names() -> NearNames:
    return NearNames(_KIND)


def within_one(a: str, b: str) -> bool:
    """Whether two strings differ by at most one letter changed, added or dropped."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    left, right = a[start:], b[start:]
    return left[1:] == right[1:] or left[1:] == right or left == right[1:]


def read_heading(text: str) -> Heading | None:
    """The heading a row is or starts with: "ALLERGIES", "3. Current medications:", "Allergies: Penicillin".

    Words may follow only after a colon, or after a dash that stands alone.
    """
    if len(text) > 400:
        return None
    kind = heading_kind(text) or heading_kind(_COUNT_OR_NOTE.sub("", text))
    if kind:
        return Heading(kind, 0, text.strip())
    colon = text.find(":")
    if 2 < colon < 60 and (kind := heading_kind(text[:colon])):
        rest = colon + 1
        return Heading(kind, rest if text[rest:].strip() else 0, text[:colon])
    for mark in (" - ", " – ", " — "):
        dash = text.find(mark)
        if 2 < dash < 50 and not _NUMBERING.match(text) and (kind := heading_kind(text[:dash])):
            return Heading(kind, dash + len(mark), text[:dash])
    return None
