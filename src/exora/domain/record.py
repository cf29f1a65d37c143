"""The clinical record a document becomes: the public JSON shape ``exora.record/1``.

Fields are added, never renamed. Every item of a list carries its date, code, source and confidence.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Confidence = Annotated[float, Field(ge=0, le=1)]

DocumentType = Literal[
    "discharge_summary",
    "laboratory_report",
    "medication_list",
    "immunization_record",
    "referral_letter",
    "consultation_note",
    "progress_note",
    "operative_note",
    "radiology_report",
    "pathology_report",
    "prescription",
    "vital_signs",
    "other",
]


class _Model(BaseModel):
    """Closed models; the input (a patient's words) never shows up in a validation error."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Source(_Model):
    """Where an item was read: page and box on a paged document, character offsets in plain text.

    Attributes:
        page: page number, from 1.
        box: ``[x0, y0, x1, y1]`` as fractions of the upright page; None for plain text.
        quote: the words of the page that the item was read from, exactly as they stand there.
        start, end: character offsets into the plain text; None for paged documents.
    """

    page: int = Field(ge=1)
    box: tuple[float, float, float, float] | None = None
    quote: str
    start: int | None = None
    end: int | None = None


class Coding(_Model):
    """A code of a public system.

    Attributes:
        system: "ICD-10-CM", "RxNorm", "LOINC", "CVX" or "UCUM".
        code: the code itself.
        display: the system's own name for the code.
    """

    system: Literal["ICD-10-CM", "RxNorm", "LOINC", "CVX", "UCUM"]
    code: str
    display: str


class Item(_Model):
    """What every item of a list carries. ``date`` is ISO 8601 (year, month or day precision) or None."""

    date: str | None = None
    coding: Coding | None = None
    source: Source
    confidence: Confidence


class Encounter(Item):
    """A visit or stay."""

    kind: str
    start: str | None = None
    end: str | None = None
    provider: str | None = None
    facility: str | None = None


class Medication(Item):
    """A medicine the document says the patient takes, took or was given."""

    name: str
    dose: str | None = None
    route: str | None = None
    frequency: str | None = None
    status: Literal["active", "stopped", "unknown"] = "unknown"


class Condition(Item):
    """A disease, symptom or finding, with the context it is mentioned in."""

    name: str
    negated: bool = False
    temporality: Literal["current", "historical", "hypothetical"] = "current"
    subject: Literal["patient", "family"] = "patient"


class Allergy(Item):
    """An allergy or intolerance; ``negated`` for "no known allergies"."""

    name: str
    reaction: str | None = None
    severity: str | None = None
    negated: bool = False


class Result(Item):
    """A laboratory value or vital sign. ``value`` is as printed; ``unit`` is the printed unit."""

    name: str
    value: str
    unit: str | None = None
    range_low: float | None = None
    range_high: float | None = None
    flag: str | None = None
    category: Literal["laboratory", "vital"] = "laboratory"


class Procedure(Item):
    """A procedure done."""

    name: str


class Immunization(Item):
    """A vaccine given."""

    name: str


class Identifier(_Model):
    """A number that names the patient in some system, e.g. type "MRN"."""

    type: str
    value: str


class Patient(_Model):
    """Who the document says the patient is. ``birth_date`` is ISO 8601, ``sex`` as FHIR's gender."""

    name: str | None = None
    birth_date: str | None = None
    sex: Literal["male", "female", "other", "unknown"] | None = None
    identifiers: list[Identifier] = Field(default_factory=list)


class DocumentInfo(_Model):
    """The document itself. ``sha256`` is of the bytes as uploaded; ``language`` is BCP 47 or None."""

    type: DocumentType = "other"
    pages: int = Field(ge=0)
    sha256: str
    language: str | None = None


class Engines(_Model):
    """What read and what analyzed the document, with versions."""

    ocr: str
    analyzer: str


#: The lists of a record, in its order, and what each holds.
ITEM_LISTS: dict[str, type[Item]] = {
    "encounters": Encounter,
    "medications": Medication,
    "conditions": Condition,
    "allergies": Allergy,
    "results": Result,
    "procedures": Procedure,
    "immunizations": Immunization,
}


class Record(_Model):
    """A document as a clinical record, schema ``exora.record/1``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    schema_: Literal["exora.record/1"] = Field(default="exora.record/1", alias="schema")
    document: DocumentInfo
    patient: Patient = Field(default_factory=Patient)
    encounters: list[Encounter] = Field(default_factory=list)
    medications: list[Medication] = Field(default_factory=list)
    conditions: list[Condition] = Field(default_factory=list)
    allergies: list[Allergy] = Field(default_factory=list)
    results: list[Result] = Field(default_factory=list)
    procedures: list[Procedure] = Field(default_factory=list)
    immunizations: list[Immunization] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    engines: Engines

    def item_counts(self) -> dict[str, int]:
        """Number of items per list: safe to log, to store in a job's result and to print."""
        return {name: len(getattr(self, name)) for name in ITEM_LISTS}

    def to_json(self, indent: int | None = None) -> str:
        """The public JSON, with ``schema`` as the key of the schema's name."""
        return self.model_dump_json(by_alias=True, indent=indent)
