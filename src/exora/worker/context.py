"""What a handler knows of its job, and what it may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from exora.capacity.clients import GatedApis, GatedChat, GatedVision
from exora.capacity.gate import Terms
from exora.domain.capacity import Permit
from exora.domain.job import ClaimedJob, Fence
from exora.errors import BadInput, ConfigurationError
from exora.observe.tracing import tracing
from exora.worker.steps import step_key


class JobStore(Protocol):
    """The verbs a handler may use, always under its own fence or patient."""

    async def store_record(
        self, fence: Fence, record: Mapping[str, Any], *, sha256: str, size_bytes: int, media_type: str
    ) -> UUID: ...

    async def get_step(self, patient_id: UUID, step_key: str) -> dict[str, Any] | None: ...

    async def put_step(self, patient_id: UUID, step_key: str, result: Mapping[str, Any]) -> None: ...

    async def log_audit_event(
        self,
        event: str,
        *,
        correlation_id: UUID,
        job_id: UUID | None = None,
        document_id: UUID | None = None,
        patient_id: UUID | None = None,
        worker_id: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None: ...


@dataclass(slots=True)
class JobContext:
    """One attempt at one job.

    Attributes:
        job: the claimed job.
        worker_id: who runs it.
        deadline: ``time.monotonic()`` at which the attempt times out.
    """

    job: ClaimedJob
    worker_id: str
    deadline: float
    _store: JobStore
    _on_progress: Callable[[UUID, int, int], None]
    _apis: GatedApis

    def progress(self, done: int, total: int) -> None:
        """Tell whoever watches this worker how far the job is."""
        self._on_progress(self.job.job_id, done, total)

    async def step(
        self,
        *parts: str | int,
        compute: Callable[[], Awaitable[dict[str, Any]]],
        keep: Callable[[dict[str, Any]], bool] = lambda _: True,
    ) -> dict[str, Any]:
        """Do work that must not be paid twice: the result is kept under the content address of ``parts``.

        Args:
            parts: everything the result depends on: checksum of the input, engine, model, version.
            compute: does the work; its result must be JSON.
            keep: whether a result is worth keeping; a partial one is not.

        Returns:
            The stored result, from this attempt or any earlier one of the same patient.

        Raises:
            BadInput: the job has no patient; steps are never shared between patients.
        """
        with tracing.span("step", kind=str(parts[0])):
            found = await self.find_step(*parts)
            if found is not None:
                return found
            result = await compute()
            if keep(result):
                await self.keep_step(*parts, result=result)
            return result

    async def find_step(self, *parts: str | int) -> dict[str, Any] | None:
        """The result kept under the content address of ``parts`` for the job's patient, or None.

        Raises:
            BadInput: the job has no patient; steps are never shared between patients.
        """
        with tracing.span("find_step", kind=str(parts[0])) as facts:
            found = await self._store.get_step(self._patient_id, step_key(*parts))
            facts["found"] = found is not None
            return found

    async def keep_step(self, *parts: str | int, result: Mapping[str, Any]) -> None:
        """Keep a result, which must be JSON, under the content address of ``parts``.

        Raises:
            BadInput: the job has no patient.
        """
        with tracing.span("keep_step", kind=str(parts[0])):
            await self._store.put_step(self._patient_id, step_key(*parts), result)

    @property
    def _patient_id(self) -> UUID:
        if self.job.patient_id is None:
            raise BadInput("a step needs a job with a patient", field="patient_id")
        return self.job.patient_id

    def reserve(
        self,
        provider: str,
        endpoint: str,
        *,
        tokens: int = 0,
        output_tokens: int = 0,
        units: int = 1,
        patience_s: float = 30.0,
        profile: str = "",
    ) -> AbstractAsyncContextManager[Permit]:
        """Capacity for one call of any API that has limits, shared by all workers: ``async with`` it, await its
        ``begin()`` right before the call, then tell it what the call ``used``.

        Whoever raises ``RateLimited``, ``QuotaExhausted``, ``KeyRefused`` or ``ProviderUnavailable`` (``exora.errors``)
        within tells every worker. A job that lets ``NoCapacity`` through is put off, which burns no attempt.

        Args:
            provider, endpoint: a row of ``exora capacity show``.
            tokens: the most the call can use, in and out together; output_tokens: of those, the most it can say.
            units: what the provider bills per request, such as images.
            patience_s: wait no longer; calls wait in the order of their jobs' priorities and deadlines.
            profile: the sub-limit it belongs to.

        Raises:
            NoCapacity: it would wait longer.
            NotFound: no such API; make it known with ``exora capacity set``.
        """
        return self._apis.gate.reserve(
            provider,
            endpoint,
            tokens=tokens,
            output_tokens=output_tokens,
            units=units,
            terms=Terms(self.job.priority, self.deadline, patience_s, profile),
        )

    @property
    def openai(self) -> GatedChat:
        """The configured model: reserves each call, settles it to its use and tries again where that helps.

        Raises:
            ConfigurationError: none is configured.
        """
        if self._apis.chat is None:
            raise ConfigurationError("OpenAI is not configured", field="OPENAI_API_KEY", remedy="Set OPENAI_API_KEY")
        return self._apis.chat.under(self._terms)

    @property
    def vision(self) -> GatedVision:
        """Google Vision, likewise.

        Raises:
            ConfigurationError: it is not configured.
        """
        if self._apis.vision is None:
            raise ConfigurationError(
                "Google Vision is not configured", field="GOOGLE_CLOUD_API_KEY", remedy="Set GOOGLE_CLOUD_API_KEY"
            )
        return self._apis.vision.under(self._terms)

    @property
    def _terms(self) -> Terms:
        return Terms(self.job.priority, self.deadline)

    async def store_record(self, record: Mapping[str, Any], *, sha256: str, size_bytes: int, media_type: str) -> UUID:
        """Store the record of the job's document; the write checks the claim.

        Raises:
            LostClaim: another worker owns the job; nothing was stored.
        """
        with tracing.span("store_record", size_bytes=size_bytes):
            return await self._store.store_record(
                self.job.fence, record, sha256=sha256, size_bytes=size_bytes, media_type=media_type
            )

    async def audit(self, event: str, document_id: UUID | None = None, detail: Mapping[str, Any] | None = None) -> None:
        """Record an access to a document in the audit trail, before it happens.

        Args:
            event: a name of small letters, digits and ``_``, at most 63.
            document_id: of the document.
            detail: ids, counts and codes, never content.

        Raises:
            BadInput: the name or the detail is none of these.
        """
        with tracing.span("audit", event=event):
            await self._store.log_audit_event(
                event,
                correlation_id=self.job.correlation_id,
                job_id=self.job.job_id,
                document_id=document_id,
                patient_id=self.job.patient_id,
                worker_id=self.worker_id,
                detail=detail,
            )
