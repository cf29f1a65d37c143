"""Short-hands for talking to a coordinator as a worker would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

import pytest

from exora.app import open_transport
from exora.coordination.port import Coordinator
from exora.coordination.wire import WireCoordinator
from exora.domain.job import ClaimedJob, EnqueueRequest
from exora.domain.outcome import ErrorInfo, Outcome, Settlement
from tests.gateways import local_project

DOCUMENT_TYPE = "shell_file_processing"
FAILURE = ErrorInfo("ValueError", "unexpected", "unexpected ValueError", "f00d")


class Client:
    """A worker's hands: enqueue, claim, settle, with everything but the point of a test defaulted."""

    def __init__(self, coordinator: Coordinator) -> None:
        self.coordinator = coordinator

    async def enqueue(self, count: int = 1, *, patient: UUID | None = None, **fields: object) -> list[UUID]:
        """Enqueue jobs of a light type; returns their ids."""
        payload = {} if patient is None else {"patient_id": str(patient)}
        request = EnqueueRequest(job_type="report_generation", payload=payload, **fields)  # type: ignore[arg-type]
        return [answer.job_id for answer in await self.coordinator.enqueue([request] * count)]

    async def claim(
        self,
        limit: int = 1,
        *,
        worker: str = "w1",
        token: UUID | None = None,
        types: Sequence[str] = ("report_generation",),
        lanes: Sequence[str] | None = None,
        wait: bool = False,
    ) -> list[ClaimedJob]:
        """Claim jobs."""
        return await self.coordinator.claim(
            worker_id=worker, claim_token=token or uuid4(), job_types=types, lanes=lanes, limit=limit, wait=wait
        )

    async def settle(self, job: ClaimedJob, outcome: Outcome) -> str:
        """Settle one claim; returns the status."""
        return (await self.coordinator.settle([Settlement(job.fence, outcome)]))[0]

    async def state(self, job_id: UUID) -> str:
        """The job's state."""
        return (await self.coordinator.get_jobs([job_id]))[0].state.value


@pytest.fixture(params=["direct", "rest"])
def transport_kind(request: pytest.FixtureRequest) -> str:
    """Each transport in turn; over REST on the embedded server only, since what differs is not the server."""
    kind: str = request.param
    return kind


@pytest.fixture
async def coordinator(transport_kind: str, dsn: str) -> AsyncIterator[WireCoordinator]:
    """The verbs over each transport: neither may have a behavior of its own."""
    if transport_kind == "direct":
        transport = open_transport(dsn)
        yield WireCoordinator(transport)
        await transport.close()
        return
    async with local_project(dsn) as project:
        transport = open_transport(project)
        yield WireCoordinator(transport)
        await transport.close()


@pytest.fixture
def client(coordinator: Coordinator) -> Client:
    """A worker's hands on a database of its own."""
    return Client(coordinator)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out REST on every server but the embedded one."""
    kept, left = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        twice = params.get("transport_kind") == "rest" and params.get("server") != "embedded"
        (left if twice else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept
