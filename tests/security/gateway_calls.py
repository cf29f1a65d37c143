"""Requests to the development gateway as clients send them: functions by their signatures, tables, and objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

from exora.dev.gateway.catalog import Function
from exora.dev.gateway.local import BUCKET
from tests.security.payloads import PATIENT, Field, payloads
from tests.security.requests import Asked, hostile

WHO = ["nobody", "anon", "service", "user", "forged"]
#: Stands in what functions store and give to whoever may read it, and in no error.
CONTENT = "Zebedee"
#: Who may read the records of the patient.
USER = "00000000-0000-4000-8000-00000000000a"
#: What a worker reports of each lane.
_WORK = ("completed", "retried", "dead", "cancelled", "pages", "run_s")
_ROWS = {"job_queue": ("id", "status", "job_lane", "retry_count", "created_at"), "documents": ("id", "patient_id")}


@dataclass(frozen=True)
class Known:
    """What there is in the database of a target.

    Attributes:
        functions: as the gateway knows them.
        fields: of payloads, by job type.
        jobs: ids.
        claims: number, attempt and token of each job that is being worked on.
        lanes: names, by job type.
        fingerprints: of dead letters.
        apis: provider and endpoint.
    """

    functions: Sequence[Function]
    fields: dict[str, list[Field]]
    jobs: list[str]
    claims: list[tuple[int, int, str]]
    lanes: dict[str, list[str]]
    fingerprints: list[str]
    apis: list[tuple[str, str]]
    values: dict[str, list[Any]] = field(init=False)

    def __post_init__(self) -> None:
        provider, endpoint = self.apis[0]
        lanes = [lane for lanes in self.lanes.values() for lane in lanes]
        times = ["2026-01-01T00:00:00Z", "2099-12-31 23:59:59+01"]
        object.__setattr__(
            self,
            "values",
            {
                "p_job_id": self.jobs,
                "p_before": self.jobs,
                "p_patient_id": [PATIENT],
                "p_jobs": [number for number, _, _ in self.claims],
                "p_job": [number for number, _, _ in self.claims],
                "p_attempts": [attempt for _, attempt, _ in self.claims],
                "p_attempt": [attempt for _, attempt, _ in self.claims],
                "p_claim_tokens": [token for _, _, token in self.claims],
                "p_claim_token": [token for _, _, token in self.claims] + [str(uuid4())],
                "p_needs": self.jobs,
                "p_job_ids": self.jobs,
                "p_worker_id": ["fuzz", "another"],
                "p_holder": ["fuzz"],
                "p_lane": lanes,
                "p_lanes": lanes,
                "p_job_lane": lanes,
                "p_job_lanes": lanes,
                "p_fingerprint": self.fingerprints,
                "p_provider_name": [provider],
                "p_api_endpoint": [endpoint],
                "p_status": ["pending", "processing", "completed", "failed", "cancelled"],
                "p_outcomes": ["completed", "retry", "snooze", "release", "dead", "cancelled"],
                "p_kind": ["throttled", "failed", "invalid_key", "remaining"],
                "p_state": ["working", "draining", "stopped"],
                "p_missed": ["one", "all", "skip"],
                "p_event": ["document_read", "job_held"],
                "p_name": ["nightly"],
                "p_cron": ["0 3 * * *"],
                "p_time_zone": ["UTC", "Europe/Berlin"],
                "p_by": ["ann"],
                "p_why": ["ticket-7"],
                "p_profile": ["", "tier-1"],
                "p_step_key": ["a" * 64],
                "p_heads": [[{"chain": 0, "seq": 1, "hash": "0" * 64}], []],
                "p_needs jsonb": [[{"provider": provider, "endpoint": endpoint, "requests_per_job": 2}], []],
                "p_work": [
                    [],
                    [{"lane": lane, **dict.fromkeys(_WORK, 1), "runs": [1], "waits": [1]} for lane in lanes[:2]],
                ],
                "p_used": [[]],
                "p_slots": [1, 50],
                "p_limit": [1, 50],
                "p_results": [{"count": 1}, {}],
                "p_idempotency_key": ["abc", None],
                "p_idempotency_keys": ["abc", None],
                "p_from_run": [1],
                "p_storage_path": [f"{PATIENT}/abc"],
                "p_sha256": ["0" * 64],
                "p_media_type": ["application/pdf"],
                "p_version": ["1.0.0"],
                "p_categories": ["critical", "standard", "background"],
                "job_category": ["critical", "standard", "background"],
                "p_priorities": [1, 5, 10],
                "p_priority": [1, 5, 10],
                "priority": [1, 5, 10],
                "p_from": ["2026-01-01"],
                "p_to": ["2026-12-31"],
                "p_limits": [{"requests_per_minute": 10}, {"concurrent_requests": None}, {"jobs_per_day": 5}, {}],
                "p_errors": [{"class": "ValueError", "code": "bad", "summary": "of a kind", "fingerprint": "f" * 16}],
                "p_record": [{"schema": "exora.record/1", "warnings": [CONTENT]}],
                "p_result": [{"text": CONTENT}],
                "p_size_bytes": [0, 5],
                "p_user_id": [USER],
                "p_scheduled_at": times,
                "p_next_at": times,
                "p_tick": times,
                "p_until": times,
            },
        )


def _value(known: Known, name: str, kind: str) -> st.SearchStrategy[Any]:
    """A value that an argument of this name and type may have."""
    of_type, name = kind.removesuffix("[]"), f"{name} jsonb" if (name, kind) == ("p_needs", "jsonb") else name
    if kind.endswith("[]") and name == "p_by":
        return st.lists(st.sampled_from(["day", "lane", "model"]), max_size=3, unique=True)
    if kind.endswith("[]"):
        # Columns of one length fit together.
        return st.lists(_value(known, name, of_type), min_size=1, max_size=1)
    if name in ("job_type", "p_job_type", "p_job_types"):
        return st.sampled_from(sorted(known.fields))
    if name in ("job_payload", "p_payload", "p_payloads"):
        return st.sampled_from(sorted(known.fields)).flatmap(lambda job_type: payloads(known.fields[job_type]))
    if known.values.get(name):
        return st.sampled_from(known.values[name])
    return {
        "uuid": st.sampled_from([*known.jobs, str(uuid4())]),
        "text": st.sampled_from(["abc", "a-b_c.1"]),
        "integer": st.integers(0, 100),
        "bigint": st.integers(0, 100),
        "real": st.sampled_from([0.0, 0.5, 5.0]),
        "double precision": st.sampled_from([0.0, 0.5, 5.0]),
        "boolean": st.booleans(),
        "jsonb": st.sampled_from([{}, [], {"count": 1}]),
        "timestamp with time zone": st.just("2026-01-01T00:00:00Z"),
        "date": st.just("2026-01-01"),
    }[of_type]


def _call(known: Known, function: Function) -> st.SearchStrategy[Asked]:
    values = {name: _value(known, name, kind) for name, kind in function.arguments.items()}
    needed = {name: value for name, value in values.items() if name in function.required}
    optional = {name: value for name, value in values.items() if name not in function.required}
    parts = ("rest", "v1", "rpc", function.name)
    types = {"job_type", "p_job_type", "p_job_types"} & values.keys()
    if types:  # what is beside a job's type must fit it
        [said] = types

        def fitted(job_type: str) -> st.SearchStrategy[dict[str, Any]]:
            fitting: dict[str, st.SearchStrategy[Any]] = {
                said: st.just(job_type),
                "job_payload": payloads(known.fields[job_type]),
                "p_payload": payloads(known.fields[job_type]),
                "p_payloads": payloads(known.fields[job_type]),
            } | dict.fromkeys(
                ("p_job_lane", "p_lane", "p_lanes", "p_job_lanes"), st.sampled_from(known.lanes[job_type])
            )
            mine = {
                name: st.lists(value, min_size=1, max_size=1) if function.arguments[name].endswith("[]") else value
                for name, value in fitting.items()
                if name in values
            }
            return st.fixed_dictionaries(
                {name: mine.get(name, value) for name, value in needed.items()},
                optional={name: mine.get(name, value) for name, value in optional.items()},
            )

        bodies = st.sampled_from(sorted(known.fields)).flatmap(fitted)
    else:
        bodies = st.fixed_dictionaries(needed, optional=optional)
    return bodies.map(lambda body: Asked("POST", parts, "service", (), tuple(body.items()), json=True))


def _rows() -> st.SearchStrategy[Asked]:
    def asked(table: str) -> st.SearchStrategy[Asked]:
        columns = st.sampled_from(_ROWS[table])
        filters = st.sampled_from(
            [
                ("id", f"eq.{PATIENT}"),
                ("id", f"in.({PATIENT},{PATIENT})"),
                ("id", "not.is.null"),
                *([("status", "eq.pending"), ("job_lane", "like.*queue*")] if table == "job_queue" else []),
                *([("retry_count", "gte.1"), ("created_at", "lt.2026-01-01")] if table == "job_queue" else []),
            ]
        )
        pages = st.sampled_from([("limit", "5"), ("offset", "1"), ("order", "id.desc.nullslast")])
        select = st.lists(columns, min_size=1, max_size=3, unique=True).map(lambda names: ("select", ",".join(names)))
        query = st.lists(st.one_of(filters, pages, select), max_size=3, unique_by=lambda pair: pair[0])
        who = "service" if table == "job_queue" else "user"
        return query.map(lambda items: Asked("GET", ("rest", "v1", table), who, tuple(items)))

    return st.sampled_from(sorted(_ROWS)).flatmap(asked)


def _objects() -> st.SearchStrategy[Asked]:
    name = st.sampled_from(["abc", "folder/abc", "nothing"])
    base = ("storage", "v1", "object")

    def one(name: str) -> st.SearchStrategy[Asked]:
        place = (BUCKET, PATIENT, *name.split("/"))
        return st.sampled_from(
            [
                Asked("POST", (*base, *place), "service", content=b"text", headers=(("x-upsert", "true"),)),
                Asked("PUT", (*base, *place), "service", content=b"other"),
                Asked("GET", (*base, *place), "service"),
                Asked("GET", (*base, *place), "user"),
                Asked("GET", (*base, "info", *place), "service"),
                Asked("POST", (*base, "sign", *place), "service", fields=(("expiresIn", 60),), json=True),
                Asked("GET", (*base, "sign", *place), "nobody", query=(("token", "e30.e30.e30"),)),
                Asked(
                    "POST", (*base, "list", BUCKET), "service", fields=(("prefix", PATIENT), ("limit", 5)), json=True
                ),
                Asked("DELETE", (*base, BUCKET), "service", content=json.dumps({"prefixes": [PATIENT]}).encode()),
                Asked("DELETE", (*base, *place), "service"),
                Asked("GET", ("storage", "v1", "bucket", BUCKET), "service"),
            ]
        )

    return name.flatmap(one)


def to_gateway(known: Known) -> st.SearchStrategy[Asked]:
    """Hostile requests to the gateway.

    Args:
        known: its functions, and what they may be called with.
    """
    calls = [_call(known, function) for function in sorted(known.functions, key=lambda one: one.name)]
    call = st.integers(0, len(calls) - 1).flatmap(calls.__getitem__)
    return hostile(st.one_of(call, call, call, _rows(), _objects()), WHO)
