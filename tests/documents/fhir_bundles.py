"""What the tests of the FHIR export share: records made short, and what every bundle must hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fhir.resources.R4B.bundle import Bundle

from exora.documents.fhir import to_bundle
from exora.domain.record import Record

DOCUMENT_ID = UUID("0190f5d2-7a54-7cc3-98c4-dc0c0c07398f")
PATIENT_ID = UUID("0190f5d2-1b1f-7f0a-8a55-5b4a4a1c8f11")
CREATED = datetime(2024, 5, 7, 9, 30, tzinfo=UTC)
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

Json = dict[str, Any]


def record(language: str | None = "en", **lists: Any) -> Record:
    """A record whose items need not repeat source and confidence."""
    common = {
        "source": {"page": 2, "box": [0.1, 0.2, 0.5, 0.25], "quote": "as it stands there"},
        "confidence": 0.9,
    }
    filled = {name: [common | item for item in items] for name, items in lists.items()}
    info = {"type": "discharge_summary", "pages": 2, "sha256": SHA256, "language": language}
    return Record.model_validate({"document": info, "engines": {"ocr": "pdfium 1", "analyzer": "local 1"}} | filled)


def bundle_of(of: Record, **options: Any) -> Json:
    bundle = to_bundle(of, document_id=DOCUMENT_ID, patient_id=PATIENT_ID, created=CREATED, **options)
    Bundle.model_validate(bundle)
    return bundle


def resources(bundle: Json, kind: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def code_of(concept: Json) -> tuple[str, str]:
    (coding,) = concept["coding"]
    return coding["system"].rsplit("/", 1)[1], coding["code"]


def walk(node: Any) -> Iterator[Any]:
    yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from walk(child)


def assert_sound(bundle: Json, of: Record) -> None:
    """What FHIR demands beyond what the validating models check, and what this export promises."""
    Bundle.model_validate(bundle)
    json.dumps(bundle, allow_nan=False)
    nodes = list(walk(bundle))
    assert not [node for node in nodes if node is None or node in ("", [], {})], "FHIR has no empty elements"
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert urls == [f"urn:uuid:{entry['resource']['id']}" for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    references = {node["reference"] for node in nodes if isinstance(node, dict) and "reference" in node}
    assert references <= set(urls)
    items = sum(of.item_counts().values())
    targets = [resource["target"][0]["reference"] for resource in resources(bundle, "Provenance")]
    assert len(urls) == 2 + 2 * items
    assert sorted(targets) == sorted(urls[2 : 2 + items]), "every item has exactly one provenance"
    for allergy in resources(bundle, "AllergyIntolerance"):
        assert "clinicalStatus" in allergy, "ait-1"
    for observation in resources(bundle, "Observation"):
        has_value = {"valueQuantity", "valueString", "component"} & observation.keys()
        assert len(has_value) + ("dataAbsentReason" in observation) == 1, "obs-6, and one value only"
