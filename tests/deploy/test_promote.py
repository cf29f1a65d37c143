"""exora promote: what it lets through, what not, and that it changes nothing unasked."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from exora.app import CANARY
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.dev.gateway.keys import GatewayKeys
from exora.dev.gateway.local import LocalProject, local_project
from exora.doctor.check import Status
from exora.doctor.promotion import check_canary, check_migrations
from exora.observe.build import this_build
from exora.sql.migrate import Migration, migrations
from exora.testing.processes import until, worker
from exora.testing.server import Server
from tests.acceptance.cli import Ran, exora

ENGINES = {"EXORA_OCR": "tesseract", "EXORA_ANALYZER": "local"}
COMMIT = "0123456789ab"


class Pair:
    """Two projects and the directory with their files."""

    def __init__(self, folder: Path, staging: LocalProject, production: LocalProject) -> None:
        self.folder, self.staging, self.production = folder, staging, production
        self.write("staging", staging)
        self.write("production", production, EXORA_AUDIT_KEY="signs reports")

    def write(self, name: str, local: LocalProject, **more: str) -> None:
        """The file of an environment."""
        env = {"APP_ENV": name, "SUPABASE_URL": local.url, "SUPABASE_SECRET_KEY": local.keys.secret_key}
        lines = [f"{key}={value}" for key, value in (env | ENGINES | more).items()]
        (self.folder / f"{name}.env").write_text("# an environment\n" + "\n".join(lines) + "\n")

    @contextlib.asynccontextmanager
    async def deployed(self) -> AsyncIterator[None]:
        """Production with a worker at work, of the commit that staging runs."""
        env = {"SUPABASE_URL": self.production.url, "SUPABASE_SECRET_KEY": self.production.keys.secret_key}
        async with worker("", "--pool-size", "1", **ENGINES, **env, EXORA_COMMIT=COMMIT) as running:
            await running.says("worker_started")
            db = await asyncpg.connect(self.production.dsn)
            await until(lambda: db.fetchval("select count(*) > 0 from exora.workers"))
            await db.close()
            yield

    async def promote(self, *arguments: str) -> Ran:
        """Run the command."""
        names = ("--from", "staging", "--to", "production", "--env-dir", str(self.folder))
        return await exora("promote", *names, *arguments)


@pytest.fixture
async def pair(embedded_dsn: str, embedded_server: Server, tmp_path: Path) -> AsyncIterator[Pair]:
    """Staging with a worker that reports, and production."""
    name = f"p{uuid4().hex[:12]}"
    owner = await asyncpg.connect(embedded_server.dsn)
    await owner.execute(f"create database {name} template template_exora strategy file_copy")
    staging = local_project(embedded_dsn, keys=GatewayKeys.derived("staging"))
    production = local_project(embedded_server.url(name), keys=GatewayKeys.derived("production"))
    async with staging as one, production as two:
        db = await asyncpg.connect(embedded_dsn)
        await db.execute(_REPORT, f"w-{uuid4()}", str(this_build(COMMIT)))
        await db.close()
        yield Pair(tmp_path, one, two)
    await owner.execute(f"drop database {name} with (force)")
    await owner.close()


_REPORT = (
    """select public.report_worker_v3($1, 1, now(), 'working', array['report_generation'], null, 50, 0, null, $2)"""
)


def found(ran: Ran) -> dict[str, dict[str, Any]]:
    """The checks of a report by name."""
    return {check["name"]: check for check in ran.json["checks"]}


async def _jobs(local: LocalProject) -> int:
    db = await asyncpg.connect(local.dsn)
    count = int(await db.fetchval("select count(*) from exora.jobs"))
    await db.close()
    return count


async def test_a_good_pair_passes_dry_and_with_a_canary(pair: Pair) -> None:
    dry = await pair.promote()
    assert (dry.code, dry.json["promote"]) == (0, True), dry.out
    assert await _jobs(pair.production) == 0
    health = f"{pair.production.url}/rest/v1/rpc/whoami_v3?apikey={pair.production.keys.anon_key}"
    refused = await pair.promote("--watch", health, "--minutes", "0")
    assert (refused.code, found(refused)["health"]["status"]) == (1, "failed")  # anon may not: not 200
    async with pair.deployed():
        wet = await pair.promote("--canary", "--by", "A. Person")
    assert (wet.code, wet.json["canary_job"], wet.json["by"]) == (0, True, "A. Person"), wet.out
    assert (wet.json["commit"], wet.json["builds"]) == (COMMIT, [str(this_build(COMMIT))])
    assert found(wet)["round trip"]["status"] == "ok"
    assert found(wet)["canary"]["detail"].endswith("audited: job_enqueued, job_claimed, job_completed")
    assert await _jobs(pair.production) > 0
    report = wet.json
    signature = report.pop("signature")
    canonical = json.dumps(report, sort_keys=True, separators=(",", ":"))
    assert signature == hmac.new(b"signs reports", canonical.encode(), hashlib.sha256).hexdigest()
    assert all(pair.production.keys.secret_key not in text for text in (wet.out, wet.err))


@pytest.mark.parametrize(
    ("commit", "says"), [(None, "no worker works in the target"), ("ba9876543210", "0.1.0+ba9876543210")]
)
async def test_a_target_that_does_not_run_what_was_tested_gets_no_canary(
    pair: Pair, commit: str | None, says: str
) -> None:
    if commit is not None:
        db = await asyncpg.connect(pair.production.dsn)
        await db.execute(_REPORT, f"w-{uuid4()}", str(this_build(commit)))
        await db.close()
    ran = await pair.promote("--canary")
    assert (ran.code, "canary" in found(ran)) == (1, False)
    assert says in found(ran)["same artifact"]["detail"]


async def test_a_canary_that_nobody_takes_is_cancelled_and_explained(pair: Pair) -> None:
    db = await asyncpg.connect(pair.production.dsn)
    await db.execute("select pause_lane_v3('canary', true)")
    transport = PostgresTransport(pair.production.dsn)
    check = await check_canary(WireCoordinator(transport), [], CANARY, within_s=0.5)
    assert (check.status, "paused" in check.detail) == (Status.FAILED, True), check
    await transport.close()
    assert await db.fetchval("select count(*) from exora.ready") == 0
    await db.close()


async def test_what_must_differ_must_differ(pair: Pair) -> None:
    pair.write("production", pair.staging)
    ran = await pair.promote()
    assert ran.code == 1
    assert "SUPABASE_URL, SUPABASE_SECRET_KEY" in found(ran)["separation"]["detail"]


async def test_swapped_files_are_noticed(pair: Pair) -> None:
    (pair.folder / "production.env").write_text("APP_ENV=staging\n")
    ran = await pair.promote()
    assert (ran.code, found(ran)["labels"]["status"]) == (1, "failed")


async def test_another_version_in_staging_or_an_older_schema_in_production(pair: Pair) -> None:
    staging, production = await asyncio.gather(asyncpg.connect(pair.staging.dsn), asyncpg.connect(pair.production.dsn))
    await staging.execute("update exora.workers set version = '0.0.1'")
    await production.execute("delete from exora.schema_migrations where version = $1", migrations()[-1].version)
    await asyncio.gather(staging.close(), production.close())
    ran = await pair.promote()
    assert (ran.code, found(ran)["artifact"]["status"]) == (1, "failed")
    assert f"{migrations()[-1].version:04d}" in found(ran)["migrations"]["detail"]


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        ("alter table exora.jobs add column c int; drop function if exists public.f();", "ok"),
        ("-- drop table exora.a\ncomment on table exora.jobs is 'drop table x';", "ok"),
        ("drop table exora.jobs", "failed"),
        ("alter table exora.jobs drop column payload", "failed"),
        ("alter table exora.jobs alter column payload type text", "failed"),
        ("alter table exora.jobs rename to work", "failed"),
    ],
)
def test_a_migration_that_takes_something_away_is_told(sql: str, status: str) -> None:
    assert check_migrations([Migration(99, "x", sql)]).status is Status(status)
