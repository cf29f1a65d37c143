"""Short-hands for talking to a coordinator as a worker would."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from exora.coordination.port import Coordinator
from exora.domain.job import ClaimedJob, EnqueueRequest
from exora.domain.outcome import ErrorInfo, Outcome, Settlement

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


@pytest.fixture
def client(coordinator: Coordinator) -> Client:
    """A worker's hands on a database of its own."""
    return Client(coordinator)
