"""A record as FHIR R4 (4.0.1) Bundle: the patient, the document, every item, and where each was read."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from exora.documents.fhir_elements import (
    HL7,
    Json,
    code,
    coded,
    complex_extension,
    concept,
    extension,
    partial_date,
    present,
    required,
    text,
)
from exora.documents.fhir_items import (
    Context,
    allergy,
    condition,
    encounter,
    immunization,
    medication,
    procedure,
    result,
)
from exora.domain.record import Item, Patient, Record

# Types of patient numbers that HL7's table 0203 names; any other stays text.
_IDENTIFIER_TYPES = {"MRN": "MR", "SSN": "SS"}


def to_bundle(
    record: Record, *, document_id: UUID, patient_id: UUID, created: datetime, content_type: str | None = None
) -> dict[str, Any]:
    """The record as a FHIR R4 Bundle of type "collection", ready for ``json.dumps``.

    The same arguments give the same bundle: the Patient's id is ``patient_id``, every other id is the
    UUID version 5 (RFC 9562) of ``document_id`` with the list's name and the item's index. All
    references resolve inside the bundle. docs/howto/export-fhir.md tells how each field is mapped.

    Args:
        record: the record of one document.
        document_id: the document's id; it becomes the DocumentReference's master identifier.
        patient_id: the registered patient whom the document belongs to.
        created: when the record was made, with its time zone.
        content_type: MIME type of the document as uploaded, if known.

    Raises:
        ValueError: ``created`` has no time zone; a FHIR instant is one point in time.
    """
    if created.utcoffset() is None:
        raise ValueError("created must have a time zone")
    instant = created.astimezone(UTC).isoformat()
    patient = _with_id(str(patient_id), _patient(record.patient))
    subject = _reference(patient)
    document = _with_id(_id(document_id, "document"), _document(record, document_id, subject, instant, content_type))
    items = _items(record, Context(subject, _in_english(record)))
    resources: list[Json] = []
    provenances: list[Json] = []
    for name, index, item, body in items:
        resource = _with_id(_id(document_id, name, index), body)
        resources.append(resource)
        origin = _provenance(item, record, _reference(resource), _reference(document), instant)
        provenances.append(_with_id(_id(document_id, "provenance", name, index), origin))
    return {
        "resourceType": "Bundle",
        "id": _id(document_id, "bundle"),
        "identifier": _uuid_identifier(document_id),
        "type": "collection",
        "timestamp": instant,
        "entry": [
            {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
            for resource in [patient, document, *resources, *provenances]
        ],
    }


def _items(record: Record, context: Context) -> list[tuple[str, int, Item, Json]]:
    """List name, index, item and resource of every item, in the record's order."""
    lists: list[tuple[str, list[tuple[Item, Json]]]] = [
        ("encounters", [(item, encounter(item, context)) for item in record.encounters]),
        ("medications", [(item, medication(item, context)) for item in record.medications]),
        ("conditions", [(item, condition(item, context)) for item in record.conditions]),
        ("allergies", [(item, allergy(item, context)) for item in record.allergies]),
        ("results", [(item, result(item, context)) for item in record.results]),
        ("procedures", [(item, procedure(item, context)) for item in record.procedures]),
        ("immunizations", [(item, immunization(item, context)) for item in record.immunizations]),
    ]
    return [(name, index, item, body) for name, pairs in lists for index, (item, body) in enumerate(pairs)]


def _id(document_id: UUID, *name: str | int) -> str:
    return str(uuid5(document_id, "/".join(map(str, name))))


def _with_id(identity: str, body: Json) -> Json:
    return {"resourceType": body["resourceType"], "id": identity} | body


def _reference(resource: Json) -> Json:
    return {"reference": f"urn:uuid:{resource['id']}"}


def _uuid_identifier(value: UUID) -> Json:
    return {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{value}"}


def _in_english(record: Record) -> bool:
    return (record.document.language or "").lower().split("-")[0] == "en"


def _patient(patient: Patient) -> Json:
    """The name stays one text: which word is the family name would be a guess."""
    name = text(patient.name)
    identifiers = []
    for identifier in patient.identifiers:
        if value := text(identifier.value):
            kind = concept(identifier.type) or {}
            if known := _IDENTIFIER_TYPES.get(kind.get("text", "").upper()):
                kind |= coded(HL7 + "v2-0203", known)
            identifiers.append(present(type=kind, value=value))
    return present(
        resourceType="Patient",
        identifier=identifiers,
        name=[{"text": name}] if name else None,
        gender=patient.sex,
        birthDate=partial_date(patient.birth_date),
    )


def _document(record: Record, document_id: UUID, subject: Json, instant: str, content_type: str | None) -> Json:
    """``attachment.hash`` is a SHA-1 by FHIR's definition, so the record's SHA-256 is an extension beside it."""
    info = record.document
    digest = text(info.sha256)
    attachment = present(
        extension=[extension("sha256", "String", digest)] if digest else None,
        contentType=code(content_type),
        language=code(info.language),
    )
    warnings = [extension("warning", "String", warning) for warning in map(text, record.warnings) if warning]
    return present(
        resourceType="DocumentReference",
        extension=[extension("pages", "UnsignedInt", info.pages), *warnings],
        masterIdentifier=_uuid_identifier(document_id),
        status="current",
        type=concept(info.type.replace("_", " ").capitalize()),
        subject=subject,
        date=instant,
        content=[{"attachment": required(attachment)}],
    )


def _provenance(item: Item, record: Record, target: Json, document: Json, instant: str) -> Json:
    """Who read the item, and where on the document it stands."""
    assembler = coded(HL7 + "provenance-participant-type", "assembler", "Assembler")
    engines = [engine for engine in (text(record.engines.ocr), text(record.engines.analyzer)) if engine]
    return {
        "resourceType": "Provenance",
        "target": [target],
        "recorded": instant,
        "agent": [{"type": assembler, "who": {"display": engine}} for engine in engines or ["unknown"]],
        "entity": [{"extension": [_source(item)], "role": "source", "what": document}],
    }


def _source(item: Item) -> Json:
    """The extension with page, box (fractions of the upright page) or offsets, quote and confidence."""
    source = item.source
    box = source.box if source.box and all(map(math.isfinite, source.box)) else (None, None, None, None)
    return complex_extension(
        "source",
        [
            ("page", "PositiveInt", source.page),
            ("x0", "Decimal", box[0]),
            ("y0", "Decimal", box[1]),
            ("x1", "Decimal", box[2]),
            ("y1", "Decimal", box[3]),
            ("start", "Integer", source.start),
            ("end", "Integer", source.end),
            ("quote", "String", text(source.quote)),
            ("confidence", "Decimal", item.confidence),
        ],
    )
