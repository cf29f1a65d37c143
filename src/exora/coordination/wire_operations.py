"""``Operations`` over any transport: domain values to function arguments, rows to domain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from exora.coordination.port import Transport
from exora.domain.operations import UNSIGNED, Act, Explanation, Fact, WorkerReport, WorkerView


class WireOperations:
    """The part of ``WireCoordinator`` for people and monitoring."""

    _transport: Transport

    async def explain_job(self, job_id: UUID) -> Explanation:
        found = await self._scalar("explain_job_v3", {"p_job_id": job_id})
        facts = tuple(Fact(fact["cause"], fact["fact"], fact["remedy"]) for fact in found["facts"])
        return Explanation(job_id, found["status"], found["cause"], found["sentence"], facts)

    async def hold_job(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        return str(await self._scalar("hold_job_v3", {"p_job_id": job_id, **signed(act)}))

    async def retry_job(self, job_id: UUID, act: Act = UNSIGNED) -> str:
        return str(await self._scalar("retry_job_v3", {"p_job_id": job_id, **signed(act)}))

    async def list_workers(self) -> list[WorkerView]:
        return [WorkerView(**row) for row in await self._transport.call("workers_v3", {}, repeatable=True)]

    async def report_worker(self, report: WorkerReport) -> None:
        arguments = {
            "p_worker_id": report.worker_id,
            "p_report": report.report,
            "p_started_at": report.started_at,
            "p_state": report.state,
            "p_job_types": report.job_types,
            "p_lanes": report.lanes,
            "p_slots": report.slots,
            "p_active": report.active,
            "p_memory_bytes": report.memory_bytes,
            "p_version": report.version,
            "p_work": report.work,
        }
        await self._transport.call("report_worker_v3", arguments, repeatable=True)

    async def _scalar(self, function: str, arguments: Mapping[str, Any]) -> Any:
        rows = await self._transport.call(function, arguments, repeatable=True)
        return rows[0][function]


def signed(act: Act) -> dict[str, Any]:
    """An act as arguments; what is not said is not sent."""
    return {name: value for name, value in (("p_by", act.by), ("p_why", act.why)) if value is not None}
