"""Traces, if OpenTelemetry is set up: one per job, whose trace id is the job's correlation id.

So whoever has a log line or an audit event has the trace, and every attempt of a job, on whichever worker, is in it.
Spans: ``wait`` (enqueue to claim), ``claim`` (the call), ``attempt``, ``settle`` (outcome known to outcome written);
within an attempt whatever takes time: ``step``, ``find_step``, ``keep_step``, ``store_record``, ``audit``, ``reserve``
(a call's wait for capacity), ``api_call``, ``child`` (work in a child process), and what a handler names itself.
Attributes are ids, codes and counts; of an exception only its code is kept.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from exora.domain.job import ClaimedJob, Fence
from exora.errors import ConfigurationError, ExoraError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_trace_id: ContextVar[int | None] = ContextVar("exora_trace_id", default=None)


class Tracing:
    """Makes spans once there is a provider; until then costs a look at an attribute."""

    def __init__(self) -> None:
        self._provider: TracerProvider | None = None
        self._claims: dict[Fence, tuple[int, int]] = {}
        self._unsettled: dict[Fence, tuple[Any, int]] = {}

    @property
    def active(self) -> bool:
        """Whether spans are made."""
        return self._provider is not None

    def start(self, exporter: SpanExporter, *, version: str, environment: str, at_once: bool = False) -> None:
        """Send spans to an exporter: in batches, or each at once (for tests)."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

        facts = {"service.name": "exora", "service.version": version, "deployment.environment": environment}
        self._provider = TracerProvider(resource=Resource(facts), id_generator=_correlated())
        processor = SimpleSpanProcessor(exporter) if at_once else BatchSpanProcessor(exporter)
        self._provider.add_span_processor(processor)

    def stop(self) -> None:
        """Send what is left and make no more."""
        provider, self._provider = self._provider, None
        self._claims.clear()
        self._unsettled.clear()
        if provider is not None:
            provider.shutdown()

    def claimed(self, jobs: Iterable[ClaimedJob], asked_ns: int) -> None:
        """Jobs were claimed by a call made then (``time.time_ns()``)."""
        if self._provider is not None:
            now = time.time_ns()
            self._claims |= {job.fence: (asked_ns, now) for job in jobs}

    @contextlib.contextmanager
    def attempt(self, job: ClaimedJob, worker_id: str) -> Iterator[dict[str, Any]]:
        """A span around one attempt; put ``outcome`` and ``error_code`` into what is yielded."""
        ended: dict[str, Any] = {}
        if self._provider is None:
            yield ended
            return
        tracer = self._provider.get_tracer("exora")
        token = _trace_id.set(job.correlation_id.int)
        try:
            with self._span("attempt", _facts(job, worker_id)) as span:
                asked_ns, claimed_ns = self._claims.pop(job.fence, (time.time_ns(),) * 2)
                if job.fence.attempt == 1:
                    began = int(job.created_at.timestamp() * 1e9)
                    tracer.start_span("wait", start_time=began).end(max(asked_ns, began))
                tracer.start_span("claim", start_time=asked_ns).end(claimed_ns)
                yield ended
                span.set_attributes({f"exora.{name}": value for name, value in ended.items()})
                if "error_code" in ended:
                    _failed(span, ended["error_code"])
                if ended.get("outcome") != "lost":
                    self._unsettled[job.fence] = (span, time.time_ns())
        finally:
            _trace_id.reset(token)

    @contextlib.contextmanager
    def span(self, name: str, **facts: str | int | float) -> Iterator[dict[str, str | int | float]]:
        """A span inside an attempt. Facts are codes and numbers: of other text only its length is kept. More of them
        can be put into what is yielded."""
        if self._provider is None:
            yield facts
            return
        with self._span(name, {}) as span:
            try:
                yield facts
            finally:
                span.set_attributes({f"exora.{key}": _code(value) for key, value in facts.items()})

    @contextlib.contextmanager
    def _span(self, name: str, attributes: dict[str, str | int]) -> Iterator[Any]:
        """A current span that keeps an exception's code, and not its text, which the library would."""
        assert self._provider is not None
        with self._provider.get_tracer("exora").start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except Exception as error:
                _failed(span, error.code if isinstance(error, ExoraError) else "unexpected")
                raise

    def settled(self, fences: Iterable[Fence]) -> None:
        """Outcomes were written."""
        if self._provider is None:
            return
        from opentelemetry.trace import set_span_in_context

        tracer = self._provider.get_tracer("exora")
        for fence in fences:
            self._claims.pop(fence, None)  # given back, or lost, before it was started
            found = self._unsettled.pop(fence, None)
            if found is not None:
                tracer.start_span("settle", set_span_in_context(found[0]), start_time=found[1]).end()


#: The process's own.
tracing = Tracing()


def start_tracing(endpoint: str, *, version: str, environment: str) -> None:
    """Send traces to an OTLP endpoint over HTTP.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigurationError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed",
            field="OTEL_EXPORTER_OTLP_ENDPOINT",
            remedy="Install it (pip install 'exora[otel]'), or unset the variable",
        ) from error
    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces")
    tracing.start(exporter, version=version, environment=environment)


def _correlated() -> Any:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Correlated(RandomIdGenerator):
        """Takes the trace id of the job at hand."""

        def generate_trace_id(self) -> int:
            return _trace_id.get() or super().generate_trace_id()

    return Correlated()


def _facts(job: ClaimedJob, worker_id: str) -> dict[str, str | int]:
    return {
        "exora.job_id": str(job.job_id),
        "exora.job_type": job.job_type,
        "exora.lane": job.lane,
        "exora.attempt": job.fence.attempt,
        "exora.worker_id": worker_id,
    }


def _failed(span: Any, code: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR, code)


def _code(value: str | int | float) -> str | int | float:
    if isinstance(value, str) and not re.fullmatch(r"[a-z0-9][a-z0-9_./-]{0,79}", value):
        return f"({len(value)} characters)"
    return value
