"""Traces, if OpenTelemetry is set up: one per job, whose trace id is the job's correlation id.

So whoever has a log line or an audit event has the trace, and every attempt of a job, on whichever worker, is in it.
Spans: ``wait`` (enqueue to start), ``attempt`` with a ``step`` for each step and an ``api_call`` for each call of a
provider, and ``settle`` (outcome known to outcome written). Attributes are ids, codes and counts; no exception is
recorded.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from exora.domain.job import ClaimedJob, Fence
from exora.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_trace_id: ContextVar[int | None] = ContextVar("exora_trace_id", default=None)


class Tracing:
    """Makes spans once there is a provider; until then costs a look at an attribute."""

    def __init__(self) -> None:
        self._provider: TracerProvider | None = None
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
        self._unsettled.clear()
        if provider is not None:
            provider.shutdown()

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
            with tracer.start_as_current_span(
                "attempt", attributes=_facts(job, worker_id), record_exception=False
            ) as span:
                if job.fence.attempt == 1:
                    began = int(job.created_at.timestamp() * 1e9)
                    tracer.start_span("wait", start_time=began).end()
                yield ended
                span.set_attributes({f"exora.{name}": value for name, value in ended.items()})
                if "error_code" in ended:
                    from opentelemetry.trace import StatusCode

                    span.set_status(StatusCode.ERROR, ended["error_code"])
                self._unsettled[job.fence] = (span, time.time_ns())
        finally:
            _trace_id.reset(token)

    @contextlib.contextmanager
    def span(self, name: str, **facts: str | int | float) -> Iterator[None]:
        """A span inside an attempt."""
        if self._provider is None:
            yield
            return
        tracer = self._provider.get_tracer("exora")
        attributes = {f"exora.{key}": value for key, value in facts.items()}
        with tracer.start_as_current_span(name, attributes=attributes, record_exception=False):
            yield

    def settled(self, fences: Iterable[Fence]) -> None:
        """Outcomes were written."""
        if self._provider is None:
            return
        from opentelemetry.trace import set_span_in_context

        tracer = self._provider.get_tracer("exora")
        for fence in fences:
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
