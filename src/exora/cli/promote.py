"""exora promote: the gate between two environments. Looks only, unless told to run a canary job."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from exora import __version__
from exora.app import CANARY, Target, open_services, open_transport
from exora.cli.output import err, print_json, run
from exora.cli.test import show
from exora.coordination.port import Transport
from exora.coordination.wire import WireCoordinator
from exora.doctor.check import Check, failed, from_error, ok, passed
from exora.doctor.connection import check_connection, check_role
from exora.doctor.promotion import (
    builds_of,
    check_apart,
    check_artifact,
    check_canary,
    check_labels,
    check_migrations,
    check_same,
    check_tried,
)
from exora.errors import BadInput, ConfigurationError, ExoraError
from exora.observe.build import this_build, version_and_commit
from exora.observe.logs import configure_logs
from exora.settings import Settings, read_settings
from exora.sql.migrate import pending_of

_POLL_S = 5.0
_CANARY_S = 60.0


def promote(
    source: Annotated[str, typer.Option("--from", metavar="NAME", help="The environment that was tried.")],
    target: Annotated[str, typer.Option("--to", metavar="NAME", help="The environment that is to follow.")],
    env_dir: Annotated[Path, typer.Option(help="Where NAME.env files are: NAME=value lines.")] = Path(),
    canary: Annotated[bool, typer.Option("--canary", help="Run a job of its own through the target's queue.")] = False,
    watch: Annotated[
        str | None, typer.Option(metavar="URL", help="The target's /health, watched for --minutes.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0, help="How long to watch.")] = 10.0,
    by: Annotated[str, typer.Option(help="Who answers for it; noted in the report.")] = "",
) -> None:
    """Check whether one environment may follow another, and print the report as JSON. Changes nothing; with
    --canary, after the deploy, a job goes through the target's queue and one of its workers does it. Exit code 1: do
    not promote."""
    configure_logs("error")
    envs = {name: _read_env(env_dir / f"{name}.env") for name in (source, target)}
    checks = [check_labels(envs[source], envs[target], (source, target)), check_apart(envs[source], envs[target])]
    builds: list[str] = []
    if passed(checks):
        try:
            looked, builds = run(_look(read_settings(envs[source]), read_settings(envs[target]), canary))
            checks += looked
        except ExoraError as error:
            checks.append(from_error("settings", error))
    if watch is not None and passed(checks):
        checks.append(run(_watch(watch, minutes * 60)))
    show(checks, err)
    print_json(_report(source, target, checks, builds, by, canary, envs[target].get("EXORA_AUDIT_KEY")))
    if not passed(checks):
        raise typer.Exit(1)


def _read_env(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({type(error).__name__})", field="--env-dir", remedy="One NAME.env per environment"
        ) from error
    pairs = (line.partition("=") for line in lines if "=" in line and not line.lstrip().startswith("#"))
    return {name.strip().removeprefix("export "): value.strip().strip("'\"") for name, _, value in pairs}


async def _look(source: Settings, target: Settings, canary: bool) -> tuple[list[Check], list[str]]:
    """The checks of both, and the builds that work in the source."""
    async with open_services(_where(source), verify=False) as tried:
        builds = await builds_of(tried.coordinator)
        checks = [check_artifact(builds, this_build(_commit())), await check_tried(tried.coordinator)]
    where = _where(target)
    transport = open_transport(where)
    try:
        reached = await check_role(transport)
        if not passed([reached]):
            return [*checks, reached], builds
        [row] = await transport.call("schema_state_v3", {}, repeatable=True)
        pending = pending_of(row["schema_state_v3"])
        checks.append(check_migrations(pending))
        if pending:
            checks.append(ok("target", "reached; the rest is looked at when its migrations are applied"))
        elif canary:
            checks += [*await check_connection(where, transport), *await _all_the_way(transport, builds)]
        else:
            checks.append(ok("target", "reached, and its schema is at this version; no canary job was asked for"))
        return checks, builds
    finally:
        await transport.close()


async def _all_the_way(transport: Transport, builds: list[str]) -> list[Check]:
    target = WireCoordinator(transport)
    same = check_same(await builds_of(target), builds)
    return [same, await check_canary(target, builds, CANARY, _CANARY_S)] if passed([same]) else [same]


def _where(settings: Settings) -> Target:
    where = settings.database_url or settings.project
    if where is None:
        raise ConfigurationError("an environment names no database", field="SUPABASE_URL", remedy="Complete its file")
    return where


async def _watch(url: str, seconds: float) -> Check:
    """The target stays healthy for so long."""
    ends, seen = time.monotonic() + seconds, 0
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        while True:
            try:
                status = (await http.get(url)).status_code
            except httpx.HTTPError as error:
                return failed("health", f"no answer ({type(error).__name__}) after {seen} good ones", "Roll back")
            if status != 200:
                return failed("health", f"HTTP {status} after {seen} good answers", "Roll back")
            seen += 1
            if time.monotonic() >= ends:
                return ok("health", f"{seen} good answers in {seconds:.0f} s")
            await asyncio.sleep(min(_POLL_S, max(ends - time.monotonic(), 0.0)))


def _report(
    source: str, target: str, checks: list[Check], builds: list[str], by: str, canary: bool, key: str | None
) -> dict[str, Any]:
    report = {
        "from": source,
        "to": target,
        "promote": passed(checks),
        "version": __version__,
        "commit": version_and_commit(builds[0])[1] or None if len(builds) == 1 else None,
        "builds": builds,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": by,
        "canary_job": canary,
        "checks": [
            {"name": check.name, "status": check.status.value, "detail": check.detail, "remedy": check.remedy}
            for check in checks
        ],
    }
    if key is None:
        return report | {"signature": None}
    canonical = json.dumps(report, sort_keys=True, separators=(",", ":"))
    return report | {"signature": hmac.new(key.encode(), canonical.encode(), hashlib.sha256).hexdigest()}


def _commit() -> str | None:
    """The commit of the checkout this runs in; None outside of one."""
    try:
        ran = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
    except OSError:
        return None
    return ran.stdout.strip() or None
