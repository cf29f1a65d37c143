"""The sealed audit trail: whatever the database's owner changes behind the triggers is found and named."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from exora.coordination.wire import WireCoordinator
from exora.domain.audit import AuditWindow
from tests.acceptance.cli import exora, exora_in

from .audit_trail import INSERT, RESEAL, anchor, events, findings, one_event, sealed, tamper


class TestWhole:
    async def test_an_untouched_trail_of_thousands_is_clean_and_sealed_in_bounded_batches(
        self, db: asyncpg.Connection
    ) -> None:
        await events(db, 2000)
        batches = [await db.fetchval("select exora.seal_audit(450)") for _ in range(6)]
        assert batches == [450, 450, 450, 450, 200, 0]
        assert await findings(db, await anchor(db)) == []
        assert await db.fetchval("select sum(events) from public.audit_anchor_v3()") == 2000

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
            await db.execute(INSERT, None, uuid4())
        assert await db.fetchval("select exora.seal_audit()") == 60
        assert await db.fetchval("select count(*) from exora.audit_heads where events > 0") > 4
        assert await findings(db) == []

    async def test_windows_cover_the_trail_and_each_is_verified_by_itself(
        self, coordinator: WireCoordinator, db: asyncpg.Connection
    ) -> None:
        await sealed(db, runs=5, each=40)
        chain, seq, event = await one_event(db, 100)
        await tamper(db, f"delete from exora.audit_events where id = {event}")
        windows = [await coordinator.audit_window(after, 80) for after in (0, 2, 4)]
        assert [(window.from_run, window.to_run, window.events) for window in windows] == [
            (1, 2, 80), (3, 4, 80), (5, None, 40),
        ]  # fmt: skip
        found = [await coordinator.verify_audit(window) for window in windows]
        assert [[(f.kind, f.chain, f.seq, f.event_id) for f in one] for one in found] == [
            [], [("removed", chain, seq, event)], [],
        ]  # fmt: skip
        assert await coordinator.audit_window(5) == AuditWindow(6, None, 0)


class TestTampering:
    async def test_every_edited_event_is_named_whatever_was_changed(self, db: asyncpg.Connection) -> None:
        changes = [
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
        ]
        columns = {change.split(" = ")[0] for change in changes} | {"id", "xid"}
        described = await db.fetch(
            "select column_name from information_schema.columns where table_name = 'audit_events'"
        )
        assert {row[0] for row in described} == columns
        await sealed(db)
        edited = [await one_event(db, 50 + nth) for nth in range(len(changes))]
        statements = [
            f"update exora.audit_events set {change} where id = {event}"
            for change, (*_, event) in zip(changes, edited, strict=True)
        ]
        await tamper(db, "; ".join(statements))
        assert await findings(db) == [("edited", *one) for one in sorted(edited)]

    async def test_an_event_removed_from_the_middle_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        chain, seq, event = await one_event(db)
        await tamper(db, f"delete from exora.audit_events where id = {event}")
        assert await findings(db) == [("removed", chain, seq, event)]

    async def test_each_event_of_a_removed_tail_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        tail = [await one_event(db, nth) for nth in (141, 142, 143)]
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
            " select 'record_read', job, correlation_id, at, xid from exora.audit_events where id = $1"
            " returning id, job",
            event,
        )
        assert forged is not None
        assert await findings(db) == [("added", forged["job"] % 16, None, forged["id"])]

    async def test_an_event_forged_between_two_runs_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db, runs=1)
        gap = await db.fetchval("select pg_current_xact_id()::text::bigint")
        await sealed(db, runs=1)
        forged = await db.fetchval(INSERT.replace("correlation_id)", "correlation_id, xid)").replace("$2)", "$2, $3)")
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
    async def test_every_edited_seal_is_named_and_its_events_are_not_accused(self, db: asyncpg.Connection) -> None:
        changes = [
            "ids = ids[2:]",
            "digests = set_byte(digests, 0, get_byte(digests, 0) # 1)",
            "hash = sha256('x')",
            "prev_hash = sha256('x')",
            "sealed_at = sealed_at - interval '1 day'",
            "to_xid = to_xid + 1",
            "floor_id = 5",
            "events = events - 1",
            "ids = ids[2:], digests = substring(digests from 17), events = events - 1",
        ]
        await sealed(db)
        statements = [
            f"update exora.audit_seals set {change} where chain = {chain} and seq = 2"
            for chain, change in enumerate(changes)
        ]
        await tamper(db, "; ".join(statements))
        assert await findings(db) == [("seal_broken", chain, 2, None) for chain in range(len(changes))]

    async def test_a_seal_made_anew_over_an_edited_event_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        for chain, seq in ((4, 1), (5, 2), (6, 3)):  # the first, one between, the last
            this = f"chain = {chain} and seq = {seq}"
            await tamper(
                db,
                "update exora.audit_events set event = 'job_retried'"
                f"  where id = (select ids[1] from exora.audit_seals where {this});"
                "update exora.audit_seals s set digests = (select string_agg(d.digest, '' order by d.xid, d.id)"
                "    from exora.audit_digests(s.floor_id, 99999, s.from_xid, s.from_id, s.to_xid, s.to_id) d"
                f"   where d.chain = {chain}) where {this};"
                f"update exora.audit_seals s set hash = exora.audit_seal_hash(s) where {this}",
            )
        assert await findings(db) == [
            ("seal_broken", 4, 1, None),
            ("seal_broken", 5, 2, None),
            ("seal_broken", 6, 3, None),
        ]

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

    async def test_a_changed_head_is_named(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        await tamper(
            db,
            "update exora.audit_heads set seq = 2 where chain = 5;"
            "update exora.audit_heads set hash = sha256('x') where chain = 6;"
            "delete from exora.audit_heads where chain = 7",
        )
        assert await findings(db) == [("seal_broken", chain, 3, None) for chain in (5, 6, 7)]

    async def test_history_rewritten_for_good_shows_only_beside_the_anchor(self, db: asyncpg.Connection) -> None:
        await sealed(db)
        kept = await anchor(db)
        chain, _, event = await one_event(db)
        await tamper(db, f"update exora.audit_events set event = 'job_retried' where id = {event}; {RESEAL}")
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


class TestCommand:
    async def test_whole_then_tampered_then_rewritten(self, embedded_dsn: str, tmp_path: Path) -> None:
        db = await asyncpg.connect(embedded_dsn)
        await sealed(db, runs=2)
        await events(db, 10)
        environment = {"DATABASE_URL": embedded_dsn, "EXORA_AUDIT_KEY": "kept-elsewhere"}
        taken = await exora_in(environment, "audit", "anchor")
        assert (taken.code, taken.err, taken.json["events"]) == (0, "", 106)
        kept = tmp_path / "anchor.json"
        kept.write_text(taken.out)
        verify = ("audit", "verify", "--anchor", str(kept))

        whole = await exora_in(environment, *verify)
        assert (whole.code, whole.err) == (0, "")
        assert "106 sealed event(s) verified" in whole.out
        assert (await exora_in(environment, *verify, "--json")).json == {
            "whole": True, "events": 106, "anchor": "good", "findings": [],
        }  # fmt: skip

        chain, _, event = await one_event(db)
        await tamper(db, f"update exora.audit_events set event = 'job_retried' where id = {event}")
        ran = await exora_in(environment, "audit", "verify")
        assert ran.code == 4
        assert "edited" in ran.out
        assert str(event) in ran.out
        assert "tampered" in ran.err

        await tamper(db, RESEAL)
        await db.close()
        assert (await exora_in(environment, "audit", "verify")).code == 0
        rewritten = await exora_in(environment, *verify, "--json")
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
