"""Everything through pgbouncer in transaction mode: 2 server connections, 50 slots; LISTEN gives way to polling."""

from __future__ import annotations

import asyncio
import io
import json
from uuid import uuid4

import asyncpg
import pytest

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.job import EnqueueRequest
from exora.errors import DatabaseUnavailable
from exora.observe.logs import configure_logs
from exora.testing.invariants import check_invariants
from exora.worker.config import WorkerConfig
from exora.worker.context import JobContext
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker
from tests.rest.pgbouncer import SERVER_CONNECTIONS, pooler

JOBS = 400


async def test_a_worker_with_fifty_slots_drains_through_two_server_connections(embedded_dsn: str) -> None:
    registry, most, running = Registry(), 0, 0

    async def handle(_: JobContext, __: dict[str, object]) -> None:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1

    registry.add("report_generation", handle)
    log = io.StringIO()
    configure_logs("warning", stream=log)
    try:
        with pooler(embedded_dsn) as dsn:
            transport = PostgresTransport(dsn)

            async def connect_keeper() -> Heartbeats:
                return WireCoordinator(PostgresTransport(dsn, max_connections=1))

            coordinator = WireCoordinator(transport)
            await coordinator.enqueue([EnqueueRequest("report_generation", {}) for _ in range(JOBS)])
            config = WorkerConfig(worker_id="pooled-1", concurrency=50, sweep_interval_s=0.2, heartbeat_s=0.2)
            worker = Worker(coordinator, connect_keeper, registry, config)
            working = asyncio.create_task(worker.run(handle_signals=False))
            direct = await asyncpg.connect(embedded_dsn)
            async with asyncio.timeout(30):
                while await direct.fetchval("select count(*) from exora.job_archive") < JOBS:
                    backends = await direct.fetchval(
                        "select count(*) from pg_stat_activity where datname = current_database()"
                        " and backend_type = 'client backend'"
                    )
                    assert backends <= SERVER_CONNECTIONS + 1
                    await asyncio.sleep(0.02)
            worker.stop()
            await working
            await transport.close()
            await check_invariants(direct)
            await direct.close()
    finally:
        configure_logs("error")
    events = [json.loads(line)["event"] for line in log.getvalue().splitlines()]
    assert events.count("polling_only") == 1
    assert events.count("transaction_pooler") >= 1
    assert set(events) <= {"polling_only", "transaction_pooler"}
    assert most > SERVER_CONNECTIONS


async def test_statements_of_two_clients_are_not_mixed_up(embedded_dsn: str) -> None:
    """Named prepared statements would be: behind the pooler both clients' names lie on the same two connections."""
    with pooler(embedded_dsn) as dsn:
        one, two = PostgresTransport(dsn), PostgresTransport(dsn)
        for _ in range(20):
            patient = uuid4()
            answers = await asyncio.gather(
                one.call("register_patient_v3", {"p_patient_id": patient}, repeatable=True),
                two.call("whoami_v3", {}, repeatable=True),
                one.call("queue_stats_v3", {}, repeatable=True),
                two.call("list_patients_v3", {"p_limit": 5}, repeatable=True),
            )
            assert answers[0][0]["register_patient_v3"] is True
            assert answers[1][0]["whoami_v3"] == "exora"
            assert "ready" in answers[2][0].keys()  # noqa: SIM118  a record of the driver
        await one.close()
        await two.close()


async def test_listening_is_refused_at_once(embedded_dsn: str) -> None:
    with pooler(embedded_dsn) as dsn:
        transport = PostgresTransport(dsn)
        with pytest.raises(DatabaseUnavailable, match="transaction-mode pooler"):
            await transport.listen(lambda: None, lambda: None)
        await transport.close()
