"""Whether one environment may follow another: apart, well, at one version, and with migrations that only add."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from exora.coordination.port import Coordinator
from exora.doctor.check import Check, failed, ok, warning
from exora.sql.migrate import Migration

#: Variables that must not be the same in two environments.
APART = (
    "SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY", "EXORA_SUPABASE_KEY_FILE", "DATABASE_URL",
    "EXORA_AUDIT_KEY", "EXORA_READ_TOKEN", "EXORA_OPERATE_TOKEN", "OPENAI_API_KEY", "GOOGLE_CLOUD_API_KEY",
)  # fmt: skip
#: What takes something away that the version before may still use. Functions are dropped only to be made anew.
_TAKES_AWAY = re.compile(
    r"\b(drop\s+(table|column|view|schema|type|constraint)|alter\s+column\s+\w+\s+(type|set\s+not\s+null)"
    r"|rename\s+(to|column)|truncate)\b",
    re.IGNORECASE,
)


def check_apart(source: Mapping[str, str], target: Mapping[str, str]) -> Check:
    """No project, database, key or token is in both environments."""
    shared = [name for name in APART if source.get(name) and source.get(name) == target.get(name)]
    if shared:
        return failed("separation", f"the same in both: {', '.join(shared)}", "Give each environment its own")
    return ok("separation", "projects, databases, keys and tokens differ")


def check_labels(source: Mapping[str, str], target: Mapping[str, str], names: tuple[str, str]) -> Check:
    """Each file is of the environment it is named after."""
    wrong = [name for name, env in zip(names, (source, target), strict=True) if env.get("APP_ENV") != name]
    if wrong:
        return failed(
            "labels", f"APP_ENV is another in: {', '.join(wrong)}", "Are the files swapped? Set APP_ENV in each"
        )
    return ok("labels", "APP_ENV is as named")


async def check_artifact(source: Coordinator, version: str) -> Check:
    """What works in the source is the version that is to be promoted."""
    live = [worker for worker in await source.list_workers() if worker.live]
    versions = sorted({worker.version for worker in live})
    if not live:
        return failed("artifact", "no worker works in the source", "Deploy this version there first, and let it work")
    if versions != [version]:
        return failed(
            "artifact", f"the source runs {', '.join(versions)}, and this is {version}", "Promote what was tested"
        )
    return ok("artifact", f"{len(live)} worker(s) of version {version} work in the source")


async def check_tried(source: Coordinator) -> Check:
    """The source has done something and left nothing for a person."""
    dead = sum(lane.dead for lane in await source.queue_stats())
    if dead:
        return warning(
            "tried", f"{dead} dead letters in the source", "Understand them first: exora jobs list --state failed"
        )
    return ok("tried", "no dead letters in the source")


def check_migrations(pending: Sequence[Migration]) -> Check:
    """What the target lacks only adds: the version before works on through the deploy and after a rollback."""
    numbers = ", ".join(f"{migration.version:04d}" for migration in pending)
    unsafe = [f"{m.version:04d}" for m in pending if _TAKES_AWAY.search(_without_comments(m.sql))]
    if unsafe:
        return failed(
            "migrations",
            f"take something away: {', '.join(unsafe)}",
            "Split it: first a release that no longer uses it, then one that drops it",
        )
    return ok("migrations", f"the target lacks {numbers}; they only add" if pending else "the target lacks none")


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", sql)
