"""What a model is asked to answer, as a strict JSON schema: the record's lists, with quotes instead of boxes."""

from __future__ import annotations

import functools
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from exora.domain.record import DocumentType


class _Closed(BaseModel):
    """Closed models whose validation errors never show the input, which holds a patient's words."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Quoted(_Closed):
    """What every item carries: where it stands."""

    page: int
    quote: str
    date: str | None


class AnsweredEncounter(_Quoted):
    """A visit or stay."""

    kind: str
    start: str | None
    end: str | None
    provider: str | None
    facility: str | None


class AnsweredMedication(_Quoted):
    """A medicine."""

    name: str
    dose: str | None
    route: str | None
    frequency: str | None
    status: Literal["active", "stopped", "unknown"]


class AnsweredCondition(_Quoted):
    """A disease, symptom or finding."""

    name: str
    negated: bool
    temporality: Literal["current", "historical", "hypothetical"]
    subject: Literal["patient", "family"]


class AnsweredAllergy(_Quoted):
    """An allergy."""

    name: str
    reaction: str | None
    severity: str | None
    negated: bool


class AnsweredResult(_Quoted):
    """A laboratory value or vital sign."""

    name: str
    value: str
    unit: str | None
    range_low: float | None
    range_high: float | None
    flag: str | None
    category: Literal["laboratory", "vital"]


class AnsweredName(_Quoted):
    """A procedure or immunization."""

    name: str


class AnsweredIdentifier(_Closed):
    """A number that names the patient."""

    type: str
    value: str


class AnsweredPatient(_Closed):
    """Who the document is about."""

    name: str | None
    birth_date: str | None
    sex: Literal["male", "female", "other", "unknown"] | None
    identifiers: list[AnsweredIdentifier]


class Answer(_Closed):
    """A model's answer about some pages."""

    document_type: DocumentType
    language: str | None
    patient: AnsweredPatient
    encounters: list[AnsweredEncounter]
    medications: list[AnsweredMedication]
    conditions: list[AnsweredCondition]
    allergies: list[AnsweredAllergy]
    results: list[AnsweredResult]
    procedures: list[AnsweredName]
    immunizations: list[AnsweredName]


@functools.cache
def answer_schema() -> dict[str, Any]:
    """The JSON schema of ``Answer`` as strict mode wants it: every property required, none besides, no titles."""
    schema: dict[str, Any] = _stripped(Answer.model_json_schema())
    return schema


def _stripped(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            key: _stripped(value)
            for key, value in part.items()
            if not (key in ("title", "description") and isinstance(value, str))
        }
    return [_stripped(value) for value in part] if isinstance(part, list) else part
