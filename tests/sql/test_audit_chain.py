"""The sealed audit trail: whatever the database's owner changes behind the triggers is found and named."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from exora.coordination.wire import WireCoordinator
from tests.acceptance.cli import exora

_INSERT = "insert into exora.audit_events (event, job, attempt, correlation_id) values ('job_claimed', $1, 1, $2)"
_TABLES = ("audit_events", "audit_seals", "audit_heads", "audit_progress")
#: What a database owner does to rewrite history for good: forget all seals and let everything be sealed anew.
_RESEAL = (
    "delete from exora.audit_seals;"
    " update exora.audit_heads set seq = 0, events = 0, hash = decode(repeat('00', 32), 'hex');"
    " update exora.audit_progress set run = 0, sealed_xid = 0, sealed_id = 0, horizon_xid = 0, horizon_id = 0;"
    " select exora.seal_audit()"
)


async def events(db: asyncpg.Connection, count: int, first_job: int = 1, jobs: int = 40) -> None:
    """Write events, each in a transaction of its own, spread over jobs."""
    for number in range(count):
        await db.execute(_INSERT, first_job + number % jobs, uuid4())


async def sealed(db: asyncpg.Connection, runs: int = 3, each: int = 120) -> None:
    """A trail of several runs, all of it sealed."""
    for _ in range(runs):
        await events(db, each)
        assert await db.fetchval("select exora.seal_audit()") == each


async def tamper(db: asyncpg.Connection, statements: str) -> None:
    """Act as an owner who has taken the triggers off."""
    for table in _TABLES:
        await db.execute(f"alter table exora.{table} disable trigger user")
    await db.execute(statements)
    for table in _TABLES:
        await db.execute(f"alter table exora.{table} enable trigger user")


async def findings(db: asyncpg.Connection, heads: str | None = None) -> list[tuple[Any, ...]]:
    """Kind, chain, seal and event of all that verification finds."""
    rows = await db.fetch("select * from public.verify_audit_v3(p_heads => $1)", heads)
    return [(row["kind"], row["chain"], row["seq"], row["event_id"]) for row in rows]


async def one_event(db: asyncpg.Connection, nth: int = 150) -> tuple[int, int, int]:
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


class TestWhole:
    async def test_an_untouched_trail_of_thousands_is_clean_and_sealed_in_bounded_batches(
        self, db: asyncpg.Connection
    ) -> None:
        await events(db, 3000)
        batches = [await db.fetchval("select exora.seal_audit(700)") for _ in range(6)]
        assert batches == [700, 700, 700, 700, 200, 0]
        assert await findings(db, await anchor(db)) == []
        assert await db.fetchval("select sum(events) from public.audit_anchor_v3()") == 3000

    async def test_a_transaction_larger_than_a_batch_is_sealed_in_parts(self, db: asyncpg.Connection) -> None:
        await db.execute(
            "insert into exora.audit_events (event, job, correlation_id)"
            " select 'job_enqueued', g, gen_random_uuid() from generate_series(1, 1000) g"
        )
        assert [await db.fetchval("select exora.seal_audit(400)") for _ in range(4)] == [400, 400, 200, 0]
        assert await findings(db) == []

    async def test_a_trail_without_events_is_whole(self, db: asyncpg.Connection) -> None:
        assert await db.fetchval("select exora.seal_audit()") == 0
        assert await findings(db, await anchor(db)) == []

    async def test_events_of_a_job_stay_in_one_chain_in_order(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        rows = await db.fetch(
            "select e.job, count(distinct s.chain) as chains, min(s.chain) as chain from exora.audit_events e"
            " join exora.audit_seals s on e.id = any (s.ids) group by e.job"
        )
        assert {(row["chains"], row["chain"]) for row in rows} == {(1, chain) for chain in range(16)}
        assert all(row["chain"] == row["job"] % 16 for row in rows)

    async def test_events_without_a_job_are_sealed_too(self, db: asyncpg.Connection) -> None:
        for _ in range(60):
            await db.execute(_INSERT, None, uuid4())
        assert await db.fetchval("select exora.seal_audit()") == 60
        assert await db.fetchval("select count(*) from exora.audit_heads where events > 0") > 4
        assert await findings(db) == []

    async def test_windows_cover_the_trail_and_each_is_verified_by_itself(self, coordinator: WireCoordinator) -> None:
        connection = await asyncpg.connect(coordinator._transport._dsn)  # type: ignore[attr-defined]
        await sealed(connection, runs=5, each=100)
        chain, seq, event = await one_event(connection, 250)
        await tamper(connection, f"delete from exora.audit_events where id = {event}")
        await connection.close()
        windows = await coordinator.audit_windows(200)
        assert [(window.from_run, window.to_run, window.events) for window in windows] == [
            (1, 2, 200), (3, 4, 200), (5, None, 100),
        ]  # fmt: skip
        found = [await coordinator.verify_audit(window) for window in windows]
        assert [[(f.kind, f.chain, f.seq, f.event_id) for f in one] for one in found] == [
            [], [("removed", chain, seq, event)], [],
        ]  # fmt: skip


class TestTampering:
    @pytest.mark.parametrize(
        "change",
        [
            "event = 'job_completed'",
            "at = at + interval '1 microsecond'",
            "at = 'infinity'",
            "actor = 'someone_else'",
            "worker_id = ''",
            "job = job + 1",
            "attempt = null",
            "document_id = gen_random_uuid()",
            "patient_id = gen_random_uuid()",
            "correlation_id = gen_random_uuid()",
            """detail = '{"count": 1}'""",
        ],
    )
    async def test_an_edited_event_is_named(self, db: asyncpg.Connection, change: str) -> None:
        await sealed(db)
        chain, seq, event = await one_event(db)
        await tamper(db, f"update exora.audit_events set {change} where id = {event}")
        assert await findings(db) == [("edited", chain, seq, event)]

    async def test_an_event_removed_from_the_middle_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        chain, seq, event = await one_event(db)
        await tamper(db, f"delete from exora.audit_events where id = {event}")
        assert await findings(db) == [("removed", chain, seq, event)]

    async def test_each_event_of_a_removed_tail_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        tail = [await one_event(db, nth) for nth in (357, 358, 359)]
        await tamper(db, f"delete from exora.audit_events where id in ({', '.join(str(e) for *_, e in tail)})")
        assert await findings(db) == [("removed", *one) for one in sorted(tail)]

    async def test_a_truncated_trail_is_told_seal_by_seal(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        await tamper(db, "truncate exora.audit_events")
        found = await findings(db)
        assert {kind for kind, *_ in found} == {"events_truncated"}
        assert len(found) == await db.fetchval("select count(*) from exora.audit_seals")

    async def test_a_forged_old_event_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        _, _, event = await one_event(db)
        forged = await db.fetchrow(
            "insert into exora.audit_events (event, job, correlation_id, at, xid)"
            " select 'record_read', job, correlation_id, at, xid from exora.audit_events where id = $1 returning id, job",
            event,
        )
        assert forged is not None
        assert await findings(db) == [("added", forged["job"] % 16, None, forged["id"])]

    async def test_an_event_forged_between_two_runs_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db, runs=1)
        gap = await db.fetchval("select pg_current_xact_id()::text::bigint")
        await sealed(db, runs=1)
        forged = await db.fetchval(_INSERT.replace("correlation_id)", "correlation_id, xid)").replace("$2)", "$2, $3)")
                                   + " returning id", 7, uuid4(), gap)  # fmt: skip
        assert await findings(db) == [("added", 7, None, forged)]

    async def test_an_event_forged_after_the_last_seal_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db, runs=1)
        gap = await db.fetchval("select pg_current_xact_id()::text::bigint")
        assert await db.fetchval("select exora.seal_audit()") == 0
        forged = await db.fetchval(
            "insert into exora.audit_events (event, job, correlation_id, xid)"
            " values ('job_claimed', 3, gen_random_uuid(), $1) returning id",
            gap,
        )
        await db.fetchval("select exora.seal_audit()")
        assert await findings(db) == [("added", 3, None, forged)]

    async def test_a_copy_of_an_event_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        chain, _, event = await one_event(db)
        await tamper(
            db,
            "insert into exora.audit_events overriding system value"
            f" select * from exora.audit_events where id = {event}",
        )
        assert await findings(db) == [("added", chain, None, event)]

    async def test_an_event_moved_behind_the_horizon_is_missed(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        chain, seq, event = await one_event(db)
        await tamper(db, f"update exora.audit_events set xid = xid + 1000000 where id = {event}")
        assert await findings(db) == [("removed", chain, seq, event)]


class TestTamperingWithSeals:
    @pytest.mark.parametrize(
        "change",
        [
            "ids = ids[2:]",
            "digests = set_byte(digests, 0, get_byte(digests, 0) # 1)",
            "hash = sha256('x')",
            "prev_hash = sha256('x')",
            "sealed_at = sealed_at - interval '1 day'",
            "to_xid = to_xid + 1",
            "events = events - 1",
            "ids = ids[2:], digests = substring(digests from 17), events = events - 1",
        ],
    )
    async def test_an_edited_seal_is_named_and_its_events_are_not_accused(
        self, db: asyncpg.Connection, change: str
    ) -> None:
        await sealed(db)
        await tamper(db, f"update exora.audit_seals set {change} where chain = 5 and seq = 2")
        assert await findings(db) == [("seal_broken", 5, 2, None)]

    @pytest.mark.parametrize("seq", [1, 2, 3])
    async def test_a_seal_made_anew_over_an_edited_event_is_named(self, db: asyncpg.Connection, seq: int) -> None:
        await sealed(db)
        await tamper(
            db,
            "update exora.audit_events set event = 'job_retried'"
            f"  where id = (select ids[1] from exora.audit_seals where chain = 5 and seq = {seq});"
            "update exora.audit_seals s set digests = (select string_agg(d.digest, '' order by d.xid, d.id)"
            "    from exora.audit_digests(s.floor_id, 9223372036854775807, s.from_xid, s.from_id, s.to_xid, s.to_id) d"
            f"   where d.chain = 5) where chain = 5 and seq = {seq};"
            f"update exora.audit_seals s set hash = exora.audit_seal_hash(s) where chain = 5 and seq = {seq}",
        )
        assert await findings(db) == [("seal_broken", 5, seq, None)]

    async def test_seals_removed_from_the_middle_are_named(self, db: asyncpg.Connection) -> None:
        await sealed(db, runs=4)
        await tamper(db, "delete from exora.audit_seals where chain = 5 and seq in (2, 3) or chain = 9 and seq = 1")
        assert await findings(db) == [("seal_removed", 5, 2, None), ("seal_removed", 9, 1, None)]

    async def test_a_whole_run_removed_is_named_in_every_chain(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        await tamper(db, "delete from exora.audit_seals where run = 2")
        assert await findings(db) == [("seal_removed", chain, 2, None) for chain in range(16)]

    async def test_seals_removed_from_the_end_are_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        await tamper(db, "delete from exora.audit_seals where chain = 5 and seq > 1")
        assert await findings(db) == [("seals_truncated", 5, 2, None)]

    async def test_all_seals_removed_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        await tamper(db, "delete from exora.audit_seals")
        assert await findings(db) == [("seals_truncated", chain, 1, None) for chain in range(16)]

    @pytest.mark.parametrize("change", ["seq = 2", "hash = sha256('x')"])
    async def test_a_changed_head_is_named(self, db: asyncpg.Connection, change: str) -> None:
        await sealed(db)
        await tamper(db, f"update exora.audit_heads set {change} where chain = 5")
        assert await findings(db) == [("seal_broken", 5, 3, None)]

    async def test_history_rewritten_for_good_shows_only_beside_the_anchor(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        kept = await anchor(db)
        chain, _, event = await one_event(db)
        await tamper(db, f"update exora.audit_events set event = 'job_retried' where id = {event}; {_RESEAL}")
        await sealed(db, runs=1)
        assert await findings(db) == []
        assert ("anchor_broken", chain, 3, None) in await findings(db, kept)

    async def test_a_history_cut_short_shows_only_beside_the_anchor(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        kept = await anchor(db)
        await tamper(
            db,
            "delete from exora.audit_events e using exora.audit_seals s where s.run = 3 and e.id = any (s.ids);"
            "delete from exora.audit_seals where run = 3;"
            "update exora.audit_heads h set seq = s.seq, hash = s.hash, events = h.events - 1"
            "  from exora.audit_seals s where s.chain = h.chain and s.run = 2;"
            "update exora.audit_progress set run = 2",
        )
        assert await findings(db) == []
        assert await findings(db, kept) == [("anchor_broken", chain, 3, None) for chain in range(16)]


class TestSealing:
    async def test_events_of_open_transactions_are_neither_sealed_early_nor_passed_over(
        self, db: asyncpg.Connection, dsn: str
    ) -> None:
        other = await asyncpg.connect(dsn)
        await events(db, 1)
        slow = other.transaction()
        await slow.start()
        await other.execute(_INSERT, 2, uuid4())
        await events(db, 5)  # later, and committed first
        assert await db.fetchval("select exora.seal_audit()") == 1
        assert await db.fetchval("select exora.seal_audit()") == 0
        await other.execute(_INSERT, 2, uuid4())
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
        await other.execute(_INSERT, 2, uuid4())
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

    @pytest.mark.parametrize(("limit", "calls"), [(4, [4, 4, 7, 4]), (100, [14, 0])])
    async def test_in_bounded_batches(self, db: asyncpg.Connection, limit: int, calls: list[int]) -> None:
        await self.restored(db)
        await events(db, 3)
        sealed_counts = [await db.fetchval("select exora.seal_audit($1)", limit) for _ in calls]
        assert sum(sealed_counts) == 14
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
    @pytest.mark.parametrize("table", _TABLES)
    async def test_service_role_can_neither_read_nor_write(self, db: asyncpg.Connection, table: str) -> None:
        await db.execute("set role service_role")
        for verb in (f"select from exora.{table}", f"delete from exora.{table}", f"truncate exora.{table}",
                     f"insert into exora.{table} default values"):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(verb)

    async def test_service_role_can_seal_anchor_and_verify(self, db: asyncpg.Connection) -> None:
        await events(db, 5)
        await db.execute("set role service_role")
        assert await db.fetchval("select public.seal_audit_v3()") == 5
        assert len(await db.fetch("select * from public.audit_anchor_v3()")) == 16
        assert await findings(db) == []

    @pytest.mark.parametrize(
        "statement",
        [
            "update exora.audit_seals set events = 0",
            "delete from exora.audit_seals",
            "truncate exora.audit_seals",
            "update exora.audit_heads set seq = 0",
            "delete from exora.audit_heads",
            "truncate exora.audit_heads",
            "delete from exora.audit_progress",
        ],
    )
    async def test_with_the_triggers_on_not_even_the_owner_can(self, db: asyncpg.Connection, statement: str) -> None:
        await sealed(db, runs=1)
        with pytest.raises(asyncpg.PostgresError) as caught:
            await db.execute(statement)
        assert caught.value.sqlstate == "EX004"


class TestCommand:
    async def test_whole_then_tampered_then_rewritten(self, embedded_dsn: str, tmp_path: Path) -> None:
        db = await asyncpg.connect(embedded_dsn)
        await sealed(db, runs=2)
        await events(db, 10)
        environment = {"DATABASE_URL": embedded_dsn, "EXORA_AUDIT_KEY": "kept-elsewhere"}
        taken = await exora("audit", "anchor", **environment)
        assert (taken.code, taken.err, taken.json["events"]) == (0, "", 250)
        kept = tmp_path / "anchor.json"
        kept.write_text(taken.out)
        verify = ("audit", "verify", "--anchor", str(kept))

        whole = await exora(*verify, **environment)
        assert (whole.code, whole.err) == (0, "")
        assert "250 sealed event(s) verified" in whole.out
        assert (await exora(*verify, "--json", **environment)).json == {
            "whole": True, "events": 250, "anchor": "good", "findings": [],
        }  # fmt: skip

        chain, _, event = await one_event(db)
        await tamper(db, f"update exora.audit_events set event = 'job_retried' where id = {event}")
        ran = await exora("audit", "verify", **environment)
        assert ran.code == 4
        assert "edited" in ran.out
        assert str(event) in ran.out
        assert "tampered" in ran.err

        await tamper(db, _RESEAL)
        await db.close()
        assert (await exora("audit", "verify", **environment)).code == 0
        rewritten = await exora(*verify, "--json", **environment)
        assert rewritten.code == 4
        assert chain in {f["chain"] for f in rewritten.json["findings"] if f["kind"] == "anchor_broken"}

    async def test_an_anchor_that_was_changed_is_refused_and_an_unsigned_one_told(
        self, embedded_dsn: str, tmp_path: Path
    ) -> None:
        kept = tmp_path / "anchor.json"
        signed = await exora("audit", "anchor", DATABASE_URL=embedded_dsn, EXORA_AUDIT_KEY="a")
        kept.write_text(signed.out)
        verify = ("audit", "verify", "--anchor", str(kept))
        refused = await exora(*verify, DATABASE_URL=embedded_dsn, EXORA_AUDIT_KEY="b")
        assert refused.code == 2
        assert "another key" in refused.err
        unchecked = await exora(*verify, DATABASE_URL=embedded_dsn)
        assert unchecked.code == 0
        assert "EXORA_AUDIT_KEY is not set" in unchecked.err
        kept.write_text((await exora("audit", "anchor", DATABASE_URL=embedded_dsn)).out)
        unsigned = await exora(*verify, DATABASE_URL=embedded_dsn, EXORA_AUDIT_KEY="b")
        assert unsigned.code == 0
        assert "is not signed" in unsigned.err

    @pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"schema": "exora.anchor/1", "heads": 3}'])
    async def test_a_file_that_is_no_anchor_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a").write_bytes(content)
        ran = await exora(
            "audit", "verify", "--anchor", str(tmp_path / "a"), DATABASE_URL="postgresql://u:p@127.0.0.1:1/x"
        )
        assert ran.code == 2
        assert "anchor" in ran.err
