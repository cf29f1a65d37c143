"""Whether one environment may follow another: apart, well, of one build, and with migrations that only add."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from exora.coordination.port import Coordinator
from exora.doctor.check import Check, failed, ok, warning
from exora.domain.job import EnqueueRequest, JobState, JobView
from exora.observe.build import Build, version_and_commit
from exora.sql.migrate import Migration

_POLL_S = 0.2
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


async def builds_of(coordinator: Coordinator) -> list[str]:
    """The builds whose workers live there, as ``exora.observe.build`` writes them."""
    return sorted({worker.version for worker in await coordinator.list_workers() if worker.live})


def check_artifact(builds: Sequence[str], here: Build) -> Check:
    """What works in the source is one build, of the version and commit that this is: so the migrations that are looked
    at are its own.

    Args:
        builds: of the source's workers.
        here: what this command runs from; an unknown commit is not compared.
    """
    if not builds:
        return failed("artifact", "no worker works in the source", "Deploy this version there first, and let it work")
    if len(builds) > 1:
        return failed("artifact", f"the source runs {' and '.join(builds)}", "Wait until its deploy has ended")
    version, commit = version_and_commit(builds[0])
    if version != here.version or (here.commit and commit and commit != here.commit):
        of = f"{here.version} {here.commit}".strip()
        return failed(
            "artifact", f"the source runs {builds[0]}, and this is {of}", "Run this from what was tested there"
        )
    if not commit:
        return warning(
            "artifact",
            f"the source runs {builds[0]}, whose commit nobody knows",
            "Set EXORA_COMMIT where it is built; on Render RENDER_GIT_COMMIT says it",
        )
    return ok("artifact", f"the source runs {builds[0]}")


def check_same(builds: Sequence[str], source: Sequence[str]) -> Check:
    """The target's workers are of the source's build: same version, same commit, same packages."""
    if not builds:
        return failed("same artifact", "no worker works in the target", "Deploy there, or see: exora workers")
    if list(builds) != list(source):
        return failed(
            "same artifact",
            f"the target runs {' and '.join(builds)}, the source {' and '.join(source)}",
            "Deploy the source's commit, with the same lock; or wait until the deploy has ended",
        )
    return ok("same artifact", f"both run {builds[0]}")


async def check_canary(target: Coordinator, source: Sequence[str], job_type: str, within_s: float) -> Check:
    """A job goes all the way in the target: enqueued here, done by one of its workers.

    Args:
        target: its verbs.
        source: the builds of the source: the worker that does it must be of one of them.
        job_type: one that every worker serves.
        within_s: how long it may take; then it is cancelled.
    """
    name = "canary"
    [answer] = await target.enqueue([EnqueueRequest(job_type, {}, priority=1)])
    try:
        async with asyncio.timeout(within_s):
            job = await _ended(target, answer.job_id)
    except TimeoutError:
        why = await target.explain_job(answer.job_id)
        await target.cancel(answer.job_id)
        remedy = why.facts[0].remedy if why.facts else "See: exora doctor"
        return failed(name, f"not done within {within_s:.0f} s, and cancelled: {why.sentence}", remedy)
    events = [event.event for event in await target.timeline(answer.job_id)]
    if job.state is not JobState.COMPLETED:
        return failed(name, f"it ended {job.state.value}", f"See: exora jobs show {job.job_id}")
    by = (job.result or {}).get("version")
    if by not in source:
        return failed(name, f"a worker of {by} did it", "Wait until the deploy has ended")
    took = 0.0 if job.completed_at is None else (job.completed_at - job.created_at).total_seconds()
    return ok(name, f"done by a worker of {by} in {took:.2f} s; audited: {', '.join(events)}")


async def check_tried(source: Coordinator) -> Check:
    """The source has done something and left nothing for a person."""
    dead = sum(lane.dead for lane in await source.queue_stats())
    if dead:
        return warning("tried", f"{dead} dead letters in the source", "Understand them first: exora dead list")
    return ok("tried", "no dead letters in the source")


async def _ended(target: Coordinator, job_id: UUID) -> JobView:
    while True:
        [job] = await target.get_jobs([job_id])
        if job.state.final:
            return job
        await asyncio.sleep(_POLL_S)


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
