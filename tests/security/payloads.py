"""Payloads of jobs: such as the schema of their type asks for, and with one or two things wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.security.requests import odd_value

CANARY = "Xanthippe"
PATIENT = "00000000-0000-4000-8000-000000000001"


class Field(NamedTuple):
    """What a payload may have: a row of exora.payload_fields."""

    key: str
    kind: str
    required: bool


#: Values that are fine, and values that nearly are.
_GOOD: dict[str, list[Any]] = {
    "uuid": [PATIENT, "11111111-2222-4333-8444-555555555555", PATIENT.upper()],
    "sha256": ["0" * 64, "ab" * 32],
    "code": ["all", "a.b-c_d"],
    "media_type": ["application/pdf", "image/svg+xml"],
    "timestamp": ["2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00.5+01:00"],
    "storage_path": [f"{PATIENT}/abc", f"{PATIENT}/folder/abc"],
    "integer": [0, 1, 5_000_000],
    "boolean": [True, False],
    "dropped": ["scan.pdf", f"{CANARY} Smith_HIV.pdf"],
}
_NEAR: dict[str, list[Any]] = {
    "uuid": ["11111111-2222-4333-8444-55555555555", "-" * 36, "{" + PATIENT + "}", PATIENT + "\n", "g" * 36, [PATIENT]],
    "sha256": ["0" * 63, "A" * 64, "0" * 64 + "\n", "0" * 65],
    "code": ["a b", "a/b", "ä", f"{CANARY} Smith", "a" * 5000, "a\n"],
    "media_type": ["application", "Application/PDF", "a/b/c", "text/plain; charset=x", "a/b\n"],
    "timestamp": ["2026-13-45", "2026-01-01T99:99:99Z", "infinity", "2026-01-01T1", "0000-00-00"],
    "storage_path": [
        f"{PATIENT}/../x",
        f"{PATIENT}//x",
        f"{PATIENT}/x\ny",
        f"{PATIENT}/x/..",
        f"{PATIENT}/%2e%2e/x",
        f"{PATIENT}/x\\..\\y",
        f"{PATIENT}/ x",
        PATIENT,
        PATIENT + "/",
        "11111111-2222-4333-8444-555555555555/abc",
        PATIENT.upper() + "/abc",
        f"/{PATIENT}/abc",
        f"{CANARY} Smith_HIV.pdf",
    ],
    "integer": [-1, 1.5, 2**63, 10**18, 1e300, "1", True],
    "boolean": ["true", 0, None],
    "dropped": [None, {}, 5, "\x00"],
}


def payloads(fields: list[Field]) -> st.SearchStrategy[dict[str, Any]]:
    """Payloads that are fine."""
    good = {field.key: st.sampled_from(_GOOD[field.kind]) for field in fields}
    needed = {field.key: good[field.key] for field in fields if field.required}
    made = st.fixed_dictionaries(needed, optional={key: value for key, value in good.items() if key not in needed})
    return made.map(_owned)


def _owned(payload: dict[str, Any]) -> dict[str, Any]:
    """With a path, if it has any, that belongs to its patient."""
    if "storage_path" in payload:
        payload["storage_path"] = payload["patient_id"].lower() + payload["storage_path"][36:]
    return payload


def spoiled(fields: list[Field]) -> st.SearchStrategy[dict[str, Any]]:
    """Payloads of which a third are fine, and the others have one thing wrong or two."""

    def change(field: Field) -> st.SearchStrategy[tuple[str, Any, bool]]:
        values = st.one_of(st.sampled_from(_NEAR[field.kind]), st.sampled_from(_NEAR[field.kind]), odd_value)
        return st.tuples(st.just(field.key), values, st.sampled_from([False] * 7 + [True]))

    known = st.one_of([change(field) for field in fields])
    unknown = st.tuples(
        st.sampled_from(["name", "text", "", "Patient_id", "a" * 200, f"{CANARY} Smith"]), odd_value, st.just(False)
    )
    changes = st.lists(st.one_of(known, known, known, unknown), max_size=2)

    def made(payload: dict[str, Any], changes: list[tuple[str, Any, bool]]) -> dict[str, Any]:
        for key, value, gone in changes:
            payload.pop(key, None)
            if not gone:
                payload[key] = value
        return payload

    return st.builds(made, payloads(fields), changes)
