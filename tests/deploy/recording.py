"""Records what a worker calls and reads: run it at a release, and keep the file for the version after.

python -m tests.deploy.recording > tests/deploy/released.json
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from exora import __version__
from exora.app import Services, migrate_schema, open_transport, open_worker
from exora.coordination.port import Transport
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.dev.embedded import EmbeddedPostgres
from exora.dev.examples import examples
from exora.domain.document import DocumentLimits
from exora.domain.job import EnqueueRequest
from exora.observe.logs import configure_logs
from exora.storage.postgres import PostgresStorage
from exora.worker.config import WorkerConfig


class Recording:
    """A transport that notes the arguments it was given and the columns it brought back."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.calls: dict[str, dict[str, set[str]]] = {}

    async def call(
        self, function: str, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> Sequence[Mapping[str, Any]]:
        """See ``Transport.call``."""
        rows = await self._inner.call(function, arguments, repeatable=repeatable)
        noted = self.calls.setdefault(function, {"arguments": set(), "columns": set()})
        noted["arguments"] |= set(arguments)
        noted["columns"] |= {name for row in rows[:1] for name in row.keys()}  # noqa: SIM118  a record of the driver
        return rows

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """See ``Transport.listen``."""
        await self._inner.listen(on_wake, on_lost)

    async def close(self) -> None:
        """See ``Transport.close``."""
        await self._inner.close()


async def work(transport: PostgresTransport, dsn: str) -> dict[str, dict[str, set[str]]]:
    """A worker's day in short: a document, a job that has no handler, and what people ask meanwhile."""
    recording = Recording(transport)
    coordinator = WireCoordinator(recording)
    services = Services(dsn, coordinator, PostgresStorage(transport.fetch), DocumentLimits())
    example = next(example for example in examples() if example.file == "medication-list.pdf")
    async with open_worker(services, WorkerConfig(worker_id="released-1", sweep_interval_s=0.1)) as worker:
        working = asyncio.create_task(worker.run(handle_signals=False))
        patient = uuid4()
        await coordinator.register_patient(patient)
        job_id = (await services.submit(example.read(), patient)).job.job_id
        while not (await coordinator.get_jobs([job_id]))[0].state.final:
            await asyncio.sleep(0.1)
        await coordinator.enqueue([EnqueueRequest("report_generation", {})] * 2)
        await coordinator.enqueue([EnqueueRequest("report_generation", {}, idempotency_key="k")])
        await coordinator.get_record(job_id)
        await coordinator.timeline(job_id)
        await coordinator.queue_stats()
        await coordinator.api_capacity()
        worker.stop()
        await working
    return recording.calls


def main() -> None:
    """Print the recording."""
    configure_logs("error")

    async def run(dsn: str) -> dict[str, dict[str, set[str]]]:
        await migrate_schema(dsn)
        transport = open_transport(dsn)
        assert isinstance(transport, PostgresTransport)
        try:
            return await work(transport, dsn)
        finally:
            await transport.close()

    with EmbeddedPostgres(ephemeral=True) as server:
        calls = asyncio.run(run(server.dsn))
    shown = {name: {kind: sorted(found) for kind, found in noted.items()} for name, noted in sorted(calls.items())}
    print(json.dumps({"version": __version__, "calls": shown}, indent=1))


if __name__ == "__main__":
    main()
