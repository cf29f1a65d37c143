"""Short-hands for the tests of the audit trail: make one, tamper with it as its owner, see what is found."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import asyncpg

INSERT = "insert into exora.audit_events (event, job, attempt, correlation_id) values ('job_claimed', $1, 1, $2)"
TABLES = ("audit_events", "audit_seals", "audit_heads", "audit_progress")
#: What a database owner does to rewrite history for good: forget all seals and let everything be sealed anew.
RESEAL = (
    "delete from exora.audit_seals;"
    " update exora.audit_heads set seq = 0, events = 0, hash = decode(repeat('00', 32), 'hex');"
    " update exora.audit_progress set run = 0, sealed_xid = 0, sealed_id = 0, horizon_xid = 0, horizon_id = 0;"
    " select exora.seal_audit()"
)


async def events(db: asyncpg.Connection, count: int, first_job: int = 1, jobs: int = 16) -> None:
    """Write events, each in a transaction of its own, spread over jobs."""
    for number in range(count):
        await db.execute(INSERT, first_job + number % jobs, uuid4())


async def sealed(db: asyncpg.Connection, runs: int = 3, each: int = 48) -> None:
    """A trail of several runs, all of it sealed."""
    for _ in range(runs):
        await events(db, each)
        left = each
        async with asyncio.timeout(30):
            while left:  # whatever else is open at the moment (autovacuum, say) holds the seal back for as long
                left -= await db.fetchval("select exora.seal_audit()")
        assert left == 0


async def tamper(db: asyncpg.Connection, statements: str) -> None:
    """Act as an owner who has taken the triggers off."""
    for table in TABLES:
        await db.execute(f"alter table exora.{table} disable trigger user")
    await db.execute(statements)
    for table in TABLES:
        await db.execute(f"alter table exora.{table} enable trigger user")


async def findings(db: asyncpg.Connection, heads: str | None = None) -> list[tuple[Any, ...]]:
    """Kind, chain, seal and event of all that verification finds."""
    rows = await db.fetch("select * from public.verify_audit_v3(p_heads => $1)", heads)
    return [(row["kind"], row["chain"], row["seq"], row["event_id"]) for row in rows]


async def one_event(db: asyncpg.Connection, nth: int = 60) -> tuple[int, int, int]:
    """Chain, seal and id of the nth event."""
    row = await db.fetchrow(
        "select s.chain, s.seq, e.id from exora.audit_events e join exora.audit_seals s on e.id = any (s.ids)"
        " order by e.xid offset $1 limit 1",
        nth,
    )
    assert row is not None
    return row["chain"], row["seq"], row["id"]


async def anchor(db: asyncpg.Connection) -> str:
    """The heads as they would be kept outside."""
    return json.dumps([dict(row) for row in await db.fetch("select chain, seq, hash from public.audit_anchor_v3()")])
