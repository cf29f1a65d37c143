"""Sealing the audit trail: nothing too early, nothing passed over, nothing twice, and by nobody else."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from exora.coordination.wire import WireCoordinator

from .audit_trail import INSERT, TABLES, events, findings, sealed, tamper


class TestSealing:
    async def test_events_of_open_transactions_are_neither_sealed_early_nor_passed_over(
        self, db: asyncpg.Connection, dsn: str
    ) -> None:
        other = await asyncpg.connect(dsn)
        await events(db, 1)
        slow = other.transaction()
        await slow.start()
        await other.execute(INSERT, 2, uuid4())
        await events(db, 5)  # later, and committed first
        assert await db.fetchval("select exora.seal_audit()") == 1
        assert await db.fetchval("select exora.seal_audit()") == 0
        await other.execute(INSERT, 2, uuid4())
        await slow.commit()
        assert await db.fetchval("select exora.seal_audit()") == 7
        assert await findings(db) == []
        await other.close()

    async def test_what_was_rolled_back_leaves_no_gap(self, db: asyncpg.Connection) -> None:
        await events(db, 3)
        undone = db.transaction()
        await undone.start()
        await events(db, 2)
        await undone.rollback()
        await events(db, 3)
        assert await db.fetchval("select exora.seal_audit()") == 6
        assert await findings(db) == []

    async def test_two_sealers_among_writers_seal_every_event_once(self, dsn: str) -> None:
        connections = [await asyncpg.connect(dsn) for _ in range(5)]

        async def seal(connection: asyncpg.Connection) -> int:
            return sum([await connection.fetchval("select exora.seal_audit(37)") for _ in range(40)])

        writers = [events(connection, 150) for connection in connections[2:]]
        counts = await asyncio.gather(*(seal(connection) for connection in connections[:2]), *writers)
        total = sum(count for count in counts if count is not None)
        while batch := await connections[0].fetchval("select exora.seal_audit(37)"):
            total += batch
        assert total == 450
        distinct = await connections[0].fetchval("select count(distinct i) from exora.audit_seals, unnest(ids) i")
        assert distinct == 450
        assert await findings(connections[0]) == []
        for connection in connections:
            await connection.close()

    async def test_it_rests_between_looks_unless_events_were_left_behind(self, db: asyncpg.Connection) -> None:
        seal = "select exora.seal_audit(10, '1 hour')"
        await events(db, 15)
        assert [await db.fetchval(seal), await db.fetchval(seal)] == [10, 5]
        await events(db, 1)
        assert await db.fetchval(seal) == 0

    async def test_the_sweep_seals(self, coordinator: WireCoordinator, db: asyncpg.Connection) -> None:
        await events(db, 4)
        assert (await coordinator.sweep())["sealed"] == 4

    async def test_old_events_that_are_not_sealed_are_told_apart_from_tampering(
        self, db: asyncpg.Connection, dsn: str
    ) -> None:
        other = await asyncpg.connect(dsn)
        await events(db, 2)
        slow = other.transaction()
        await slow.start()
        await other.execute(INSERT, 2, uuid4())
        late = await db.fetchval(
            "insert into exora.audit_events (at, event, job, correlation_id)"
            " values (now() - interval '2 hours', 'job_claimed', 1, gen_random_uuid()) returning id"
        )
        assert await db.fetchval("select exora.seal_audit()") == 2
        assert await findings(db) == [("unsealed_old", None, None, late)]
        await slow.rollback()
        await db.fetchval("select exora.seal_audit()")
        assert await findings(db) == []
        await other.close()

    async def test_full_ranges_of_the_index_are_summarized_and_the_last_is_not(self, db: asyncpg.Connection) -> None:
        await db.execute(
            "insert into exora.audit_events (event, job, correlation_id)"
            " select 'job_enqueued', g, gen_random_uuid() from generate_series(1, 30000) g"
        )
        await db.fetchval("select exora.seal_audit()")
        pages = await db.fetchval("select pg_relation_size('exora.audit_events') / 8192")
        assert await db.fetchval("select summarized_ranges from exora.audit_progress") == pages // 64 - 1 > 2


class TestAnotherServer:
    """A dump restored into a server whose count of transactions is behind."""

    AHEAD = 10**12

    async def restored(self, db: asyncpg.Connection) -> None:
        """What such a dump brings: runs sealed up to AHEAD + 50, and 10 events beyond, not sealed yet."""
        await db.execute(
            "insert into exora.audit_events (event, job, correlation_id, xid)"
            f" select 'job_claimed', g % 40, gen_random_uuid(), {self.AHEAD} + g from generate_series(1, 60) g"
        )
        await db.execute(
            f"select exora.write_seals(p, {self.AHEAD + 50}, 0) from exora.audit_progress p;"
            f"update exora.audit_progress set run = 1, sealed_xid = {self.AHEAD + 50}, sealed_id = 0,"
            f"  horizon_xid = {self.AHEAD + 50}, horizon_id = 0, highest_id = 49"
        )

    async def test_nothing_is_lost(self, db: asyncpg.Connection) -> None:
        await self.restored(db)
        assert await findings(db) == []
        await events(db, 25)
        assert await db.fetchval("select exora.seal_audit()") == 11 + 25
        assert await db.fetchval("select cardinality(floors) from exora.audit_progress") == 2
        await sealed(db, runs=2, each=30)
        assert await findings(db) == []
        assert await db.fetchval("select sum(events) from exora.audit_heads") == 60 + 25 + 60

    async def test_in_bounded_batches(self, db: asyncpg.Connection) -> None:
        await self.restored(db)
        await events(db, 9)
        # The call that ends the old part takes its batch of the new part as well.
        assert [await db.fetchval("select exora.seal_audit(4)") for _ in range(5)] == [4, 4, 3 + 4, 4, 1]
        assert await findings(db) == []

    async def test_tampering_with_either_part_is_named(self, db: asyncpg.Connection) -> None:
        await self.restored(db)
        await events(db, 20)
        await db.fetchval("select exora.seal_audit()")
        ids = [row["id"] for row in await db.fetch("select id from exora.audit_events order by id")]
        gone, changed = ids[10], ids[-3]
        await tamper(
            db,
            f"delete from exora.audit_events where id = {gone};"
            f"update exora.audit_events set attempt = 9 where id = {changed}",
        )
        assert {(kind, event) for kind, _, _, event in await findings(db)} == {("removed", gone), ("edited", changed)}

    async def test_an_event_forged_behind_the_end_of_the_old_part_is_named(self, db: asyncpg.Connection) -> None:
        await self.restored(db)
        await events(db, 5)
        await db.fetchval("select exora.seal_audit()")
        await db.execute(
            "insert into exora.audit_events (id, event, job, correlation_id, xid) overriding system value"
            f" values (1, 'job_claimed', 3, gen_random_uuid(), {self.AHEAD + 5000})"
        )
        assert await findings(db) == [("added", 3, None, 1)]


class TestRights:
    async def test_service_role_can_neither_read_nor_write(self, db: asyncpg.Connection) -> None:
        await db.execute("set role service_role")
        for table in TABLES:
            for verb in ("select from", "delete from", "truncate", "insert into"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await db.execute(f"{verb} exora.{table} {'default values' if verb == 'insert into' else ''}")

    async def test_service_role_can_seal_anchor_and_verify(self, db: asyncpg.Connection) -> None:
        await events(db, 5)
        await db.execute("set role service_role")
        assert await db.fetchval("select public.seal_audit_v3()") == 5
        assert len(await db.fetch("select * from public.audit_anchor_v3()")) == 16
        assert await findings(db) == []

    async def test_with_the_triggers_on_not_even_the_owner_can(self, db: asyncpg.Connection) -> None:
        await sealed(db, runs=1)
        for statement in (
            "update exora.audit_seals set events = 0",
            "delete from exora.audit_seals",
            "truncate exora.audit_seals",
            "update exora.audit_heads set seq = 0",
            "delete from exora.audit_heads",
            "truncate exora.audit_heads",
            "delete from exora.audit_progress",
            "truncate exora.audit_progress",
        ):
            with pytest.raises(asyncpg.PostgresError) as caught:
                await db.execute(statement)
            assert caught.value.sqlstate == "EX004", statement
