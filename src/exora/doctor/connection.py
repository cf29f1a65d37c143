"""The way to the database: name, encryption, key, role, schema, functions, pooler, clock, and a job there and back."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from exora.coordination.port import Transport
from exora.coordination.postgres import behind_pooler
from exora.doctor.check import Check, failed, from_error, ok, passed, warning
from exora.errors import AccessDenied, ConfigurationError, CoordinationError, ExoraError, SchemaOutdated
from exora.sql.migrate import check_state
from exora.supabase.client import Project

Target = str | Project
#: A lane and a job type of their own: no worker serves them.
PRIVATE = "connection_test"
_NOBODY = UUID(int=0)
#: The seven of the original contract, called so that nothing happens.
_HARMLESS: Mapping[str, Mapping[str, Any]] = {
    "claim_next_job_v3": {"p_worker_id": PRIVATE, "p_job_types": [], "p_job_lanes": None},
    "update_job_heartbeat": {"p_job_id": _NOBODY, "p_worker_id": PRIVATE},
    "complete_job": {"p_job_id": _NOBODY, "p_worker_id": PRIVATE, "p_job_result": None},
    "reschedule_job": {
        "p_job_id": _NOBODY, "p_delay_seconds": 0, "p_reason": None, "p_add_jitter": False,
    },
    "acquire_api_capacity": {"p_provider_name": PRIVATE, "p_api_endpoint": PRIVATE, "p_estimated_tokens": 0},
    "release_api_capacity": {
        "p_provider_name": PRIVATE, "p_api_endpoint": PRIVATE, "p_estimated_tokens": 0, "p_actual_tokens": 0,
    },
    "enqueue_job_v3": {"job_type": "", "job_name": PRIVATE, "job_payload": {}},
}  # fmt: skip
_SKEW_S = 5.0


async def check_connection(target: Target, transport: Transport) -> list[Check]:
    """Every check in order; what depends on one that failed is left out.

    Args:
        target: where the database is.
        transport: what reaches it.
    """
    checks = [check_name(target)]
    if not passed(checks):
        return checks
    checks.append(await check_reach(target, transport))
    if not passed(checks):
        return checks
    checks.append(await check_role(transport))
    checks.append(await check_schema(transport))
    checks += [await check_function(transport, name, arguments) for name, arguments in _HARMLESS.items()]
    if isinstance(target, str):
        checks.append(await check_pooler(target))
    checks += await check_round_trip(transport)
    return checks


def host_of(target: Target) -> str:
    """The host; a socket's directory for a socket."""
    if isinstance(target, Project):
        return urlsplit(target.url).hostname or ""
    parts = urlsplit(target)
    return (parse_qs(parts.query).get("host") or [parts.hostname or "localhost"])[0]


def check_name(target: Target) -> Check:
    """DNS: the name of the host leads somewhere."""
    host = host_of(target)
    if host.startswith("/"):
        return ok("address", "a socket on this machine")
    try:
        found = {str(item[4][0]) for item in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return failed(
            "address", f"the name {host} leads nowhere", "Check the name in SUPABASE_URL or DATABASE_URL, and DNS"
        )
    return ok("address", f"{host} is {', '.join(sorted(found)[:3])}")


async def check_reach(target: Target, transport: Transport) -> Check:
    """A connection is made, and encrypted where it leaves the machine."""
    name = "connection"
    try:
        await transport.call("whoami_v3", {}, repeatable=False)
    except (AccessDenied, SchemaOutdated):
        pass  # it answered; what it said is for the next checks
    except CoordinationError as error:
        cause = error.__cause__
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            return failed(
                name,
                f"the certificate does not hold ({_reason(cause)})",
                "Use the CA certificate the provider gives (sslrootcert=FILE in DATABASE_URL), and the host name"
                " that the certificate is made for; never turn verification off",
            )
        return from_error(name, error)
    except ConfigurationError as error:
        return from_error(name, error)
    secure = target.url.startswith("https://") if isinstance(target, Project) else "sslmode=verify-full" in target
    return ok(name, "made, encrypted and verified" if secure else "made; it does not leave this machine")


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return str(error.verify_message)
    return str(error.reason or type(error).__name__)


async def check_role(transport: Transport) -> Check:
    """The role that calls run as may do a worker's work."""
    try:
        [row] = await transport.call("whoami_v3", {}, repeatable=True)
    except ExoraError as error:
        return from_error("role", error)
    return ok("role", f"calls run as {row['whoami_v3']}")


async def check_schema(transport: Transport) -> Check:
    """The schema serves this version."""
    try:
        [row] = await transport.call("schema_state_v3", {}, repeatable=True)
        current = check_state(row["schema_state_v3"])
    except ExoraError as error:
        return from_error("schema", error)
    return ok("schema", "at this version" if current else "at a newer version, which serves this one too")


async def check_function(transport: Transport, name: str, arguments: Mapping[str, Any]) -> Check:
    """One of the seven functions is there and may be called."""
    try:
        await transport.call(name, arguments, repeatable=False)
    except SchemaOutdated:
        return failed(name, "this function is missing, or takes other arguments", "Run: exora migrate")
    except AccessDenied:
        return failed(
            name, "this role may not call it", "Run exora migrate as the owner: it grants the functions to service_role"
        )
    except ExoraError as error:
        if isinstance(error, CoordinationError):
            return from_error(name, error)
    return ok(name, "there, and granted")


async def check_pooler(dsn: str) -> Check:
    """Whether wake-ups can arrive."""
    if await behind_pooler(dsn):
        return warning(
            "pooler",
            "a transaction-mode pooler: everything works, but jobs are found by polling only",
            "For wake-ups within milliseconds use the direct connection or session mode (port 5432)",
        )
    return ok("pooler", "a direct or session-mode connection: wake-ups arrive")


async def check_round_trip(transport: Transport) -> list[Check]:
    """A job is enqueued on a lane of its own, claimed, given back and cancelled; the clocks are compared on the way."""
    name, started = "round trip", datetime.now(UTC)
    try:
        [job] = await transport.call(
            "enqueue_job_v3", {"job_type": PRIVATE, "job_name": PRIVATE, "job_payload": {}}, repeatable=False
        )
        ended = datetime.now(UTC)
        claim = {
            "p_worker_id": f"{PRIVATE}-{uuid4()}", "p_claim_token": uuid4(), "p_job_types": [PRIVATE], "p_limit": 1000,
        }  # fmt: skip
        claimed = await transport.call("claim_jobs_v3", claim, repeatable=True)
        for row in claimed:
            await transport.call(
                "reschedule_job",
                {
                    "p_job_id": row["job_id"], "p_delay_seconds": 0, "p_reason": "shutdown", "p_add_jitter": False,
                },
                repeatable=True,
            )  # fmt: skip
            await transport.call("cancel_job_v3", {"p_job_id": row["job_id"]}, repeatable=True)
        mine = job["job_id"] in [row["job_id"] for row in claimed]
        [found] = await transport.call("list_jobs_v3", {"p_job_ids": [job["job_id"]], "p_limit": 1}, repeatable=True)
    except ExoraError as error:
        return [from_error(name, error)]
    if not mine and found["status"] == "pending":  # else another test of the connection took it along with its own
        return [failed(name, "the job that was enqueued could not be claimed", f"Is the lane {PRIVATE} paused?")]
    middle = started + (ended - started) / 2
    skew = (job["scheduled_at"] - middle).total_seconds()
    took = (datetime.now(UTC) - started).total_seconds() * 1000
    trip = ok(name, f"enqueued, claimed, given back and cancelled in {took:.0f} ms")
    if abs(skew) > _SKEW_S:
        remedy = "Nothing in Exora depends on it, but logs and keys' ends do: set this machine's clock"
        return [warning("clock", f"this machine is {-skew:+.0f} s off the database", remedy), trip]
    return [ok("clock", f"{-skew:+.1f} s off the database"), trip]
