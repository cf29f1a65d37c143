"""exora test connection and exora doctor: all well, and each thing that can be wrong, with its remedy and exit code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import jwt
import pytest

from exora.cli.test import of_target
from exora.dev.gateway.local import LocalProject, local_project
from exora.doctor.check import Check, Status, from_error, passed
from exora.errors import ConfigurationError
from exora.settings import read_settings
from tests.acceptance.cli import Ran, exora
from tests.gateways import KEYS
from tests.rest.pgbouncer import pooler


@pytest.fixture
async def local(embedded_dsn: str) -> AsyncIterator[LocalProject]:
    """A local project."""
    async with local_project(embedded_dsn, keys=KEYS) as local:
        yield local


async def over_rest(url: str, key: str) -> Ran:
    """The test of a project."""
    return await exora("test", "connection", "--json", SUPABASE_URL=url, SUPABASE_SERVICE_ROLE_KEY=key)


def found(ran: Ran, status: str) -> dict[str, dict[str, Any]]:
    """Checks of a status by name."""
    return {check["name"]: check for check in ran.json["checks"] if check["status"] == status}


async def failure(url: str, key: str, check: str) -> Check:
    """What the test of a project says of one thing that is wrong; in this process, since there are many."""
    try:
        project = read_settings({"SUPABASE_URL": url, "SUPABASE_SERVICE_ROLE_KEY": key}).project
    except ConfigurationError as error:
        checks = [from_error("settings", error)]
    else:
        assert project is not None
        checks = await of_target(project, embedded=False)
    assert not passed(checks)
    assert all(key not in f"{item.detail} {item.remedy}" for item in checks)
    [found] = [item for item in checks if item.name == check]
    assert found.status is Status.FAILED
    assert found.remedy
    return found


def legacy(**claims: object) -> str:
    """A legacy key of the local project's secret."""
    return jwt.encode({"role": "service_role", "exp": 4102444800, **claims}, KEYS.jwt_secret, "HS256")


async def test_all_well_over_both_transports_and_with_both_kinds_of_keys(local: LocalProject) -> None:
    direct, old, new = await asyncio.gather(
        exora("test", "connection", "--json", DATABASE_URL=local.dsn),
        over_rest(local.url, KEYS.service_role_key),
        over_rest(local.url, KEYS.secret_key),
    )
    for ran in (direct, old, new):
        assert (ran.code, ran.json["ok"], found(ran, "failed"), found(ran, "warning")) == (0, True, {}, {})
        names = found(ran, "ok")
        assert {"address", "connection", "role", "schema", "clock", "round trip", "claim_next_job_v3"} <= names.keys()
    assert found(old, "ok")["role"]["detail"] == "calls run as service_role"
    assert "pooler" in found(direct, "ok")
    assert "pooler" not in found(old, "ok")


async def test_a_failure_is_a_row_with_its_remedy_and_exit_code_1(local: LocalProject) -> None:
    ran = await over_rest(local.url, KEYS.anon_key)
    assert (ran.code, ran.json["ok"], list(found(ran, "failed"))) == (1, False, ["settings"])
    assert KEYS.anon_key not in ran.out + ran.err


@pytest.mark.parametrize(
    ("url", "key", "check", "says"),
    [
        (None, KEYS.anon_key, "settings", "role anon"),
        (None, KEYS.publishable_key, "settings", "publishable"),
        (None, legacy(exp=1000000000), "settings", "expired on 2001-09-09"),
        ("https://abcdefghijklmnop.supabase.co", legacy(ref="zyxwvutsrqponmlk"), "settings", "another project"),
        ("http://example.org", KEYS.secret_key, "settings", "unencrypted"),
        ("https://no-such-host.invalid", KEYS.secret_key, "address", "leads nowhere"),
        (None, "sb_secret_of_another_project", "role", "refused the key"),
        ("http://127.0.0.1:9", KEYS.secret_key, "connection", "cannot be reached"),
    ],
    ids=["anon key", "publishable key", "expired key", "wrong project", "http", "dns", "revoked key", "closed port"],
)
async def test_what_is_wrong_with_url_or_key_is_said_without_the_key(
    local: LocalProject, url: str | None, key: str, check: str, says: str
) -> None:
    assert says in (await failure(url or local.url, key, check)).detail


@pytest.mark.parametrize(
    ("sql", "check", "says"),
    [
        ("drop function public.complete_job(uuid, text, jsonb)", "complete_job", "missing"),
        ("revoke execute on function public.update_job_heartbeat from service_role", "update_job_heartbeat", "may not"),
        ("update exora.schema_code set checksum = 'old'", "schema", "not this version's"),
        (
            "update exora.lanes set paused_at = now() where lane = 'connection_test'",
            "round trip",
            "could not be claimed",
        ),
    ],
    ids=["missing function", "missing grant", "stale functions", "paused lane"],
)
async def test_what_is_wrong_in_the_database_is_said(local: LocalProject, sql: str, check: str, says: str) -> None:
    db = await asyncpg.connect(local.dsn)
    await db.execute(sql)
    await db.execute("notify pgrst, 'reload schema'")
    await db.close()
    assert says in (await failure(local.url, KEYS.service_role_key, check)).detail


async def test_the_port_of_a_transaction_mode_pooler_is_a_warning(embedded_dsn: str) -> None:
    with pooler(embedded_dsn) as dsn:
        ran = await exora("test", "connection", "--json", DATABASE_URL=dsn)
    assert ran.code == 0
    assert "session mode" in found(ran, "warning")["pooler"]["remedy"]


async def test_the_round_trip_leaves_nothing_behind_and_disturbs_nobody(local: LocalProject) -> None:
    db = await asyncpg.connect(local.dsn)
    await db.execute("select public.enqueue_job_v3('report_generation', 'mine', '{}')")
    assert (await exora("test", "connection", DATABASE_URL=local.dsn)).code == 0
    rows = await db.fetch("select job_type, status from public.job_queue order by job_type")
    await db.close()
    assert [tuple(row) for row in rows] == [("connection_test", "cancelled"), ("report_generation", "pending")]


async def test_the_doctor_sees_where_work_is_stuck(local: LocalProject) -> None:
    db = await asyncpg.connect(local.dsn)
    await db.execute("select public.enqueue_job_v3('report_generation', 'mine', '{}')")
    await db.execute("select public.pause_lane_v3('report_generation', true)")
    await db.execute("update exora.api_rate_limits set status = 'maintenance' where provider_name = 'openai'")
    await db.close()
    ran = await exora("doctor", "--json", SUPABASE_URL=local.url, SUPABASE_SECRET_KEY=KEYS.secret_key)
    assert ran.code == 0, ran.out
    warned = found(ran, "warning")
    assert "exora worker" in warned["workers"]["remedy"]
    assert "report_generation" in warned["claiming"]["detail"]
    assert "openai" in warned["rate limits"]["detail"]
    assert {"heartbeats", "dead letters"} <= found(ran, "ok").keys()
    assert "Supabase agreement" in found(ran, "unknown")
    shown = await exora("doctor", DATABASE_URL=local.dsn)
    assert (shown.code, "what to do" in shown.out) == (0, True)
