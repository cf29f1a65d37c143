"""/metrics: this worker's own counts, and the queue as the whole system sees it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from exora.http.live import LiveWorker
from exora.http.watch import Picture
from exora.observe.metrics import call_metrics, work_metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = ("ready", "held_back", "scheduled", "running", "dead")


class Metrics(Collector):
    """One worker's metrics in a registry of their own.

    Metrics of the queue, of workers and of capacity are the same whichever worker is asked: aggregate them with max.

    Args:
        live: the worker; None where a dashboard runs by itself.
    """

    def __init__(self, live: LiveWorker | None) -> None:
        self._live = live
        self._picture = Picture()
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self, picture: Picture) -> bytes:
        """Everything, as Prometheus reads it."""
        self._picture = picture
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: collecting is cheap, but needs a picture."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family, also those with no samples yet."""
        if self._live is not None:
            yield from _worker(self._live)
        yield from _queue(self._picture)
        yield from _capacity(self._picture)


def _worker(live: LiveWorker) -> Iterator[Metric]:
    info = GaugeMetricFamily("exora_worker_info", "1; what this worker is.", labels=("worker_id", "version", "state"))
    info.add_metric((live.worker_id, live.version, live.state), 1)
    yield info
    yield GaugeMetricFamily("exora_worker_slots", "Jobs this worker runs at once, at most.", value=live.slots)
    yield GaugeMetricFamily("exora_worker_active_jobs", "Jobs this worker runs now.", value=live.active_jobs)
    yield GaugeMetricFamily(
        "exora_heartbeat_age_seconds", "Since the heartbeat thread did its round.", value=live.heartbeat_age_s
    )
    yield GaugeMetricFamily(
        "exora_wakeups_listening", "1: notifications arrive; 0: polling only.", value=int(live.listening)
    )
    yield from work_metrics(live.tally)
    yield from call_metrics(live.calls)


def _queue(picture: Picture) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "exora_database_up", "1: the last look at the database went well.", value=int(picture.fault is None)
    )
    yield GaugeMetricFamily("exora_database_look_seconds", "How long that look took.", value=picture.took_s)
    jobs = GaugeMetricFamily(
        "exora_queue_jobs",
        "Jobs of each lane by where they are; large numbers are estimates.",
        labels=("lane", "state"),
    )
    oldest = GaugeMetricFamily(
        "exora_queue_oldest_seconds", "How long the oldest ready job waits at least.", labels=("lane",)
    )
    paused = GaugeMetricFamily("exora_lane_paused", "1: nothing is claimed from this lane.", labels=("lane",))
    for lane in picture.lanes:
        for state in _STATES:
            jobs.add_metric((lane.lane, state), getattr(lane, state))
        oldest.add_metric((lane.lane,), lane.oldest_ready_s or 0)
        paused.add_metric((lane.lane,), int(lane.paused_at is not None))
    yield from (jobs, oldest, paused)
    workers = GaugeMetricFamily("exora_workers", "Workers that have reported within the hour.", labels=("state",))
    for state in ("working", "draining", "lost"):
        seen = [worker for worker in picture.workers if (worker.state if worker.live else "lost") == state]
        workers.add_metric((state,), len(seen))
    yield workers


def _capacity(picture: Picture) -> Iterator[Metric]:
    labels = ("provider", "endpoint", "unit")
    used = GaugeMetricFamily("exora_capacity_used", "Granted in the last minute, or open.", labels=labels)
    limit = GaugeMetricFamily("exora_capacity_limit", "What may be granted; absent: unlimited.", labels=labels)
    available = GaugeMetricFamily("exora_capacity_available", "1: this API has room.", labels=labels[:2])
    cost = GaugeMetricFamily("exora_capacity_cost_today_usd", "Spent since midnight UTC.", labels=labels[:2])
    waiting = GaugeMetricFamily("exora_capacity_waiting_calls", "Calls that wait for room.", labels=labels[:2])
    for api in picture.capacity:
        name = (api.provider, api.endpoint)
        for unit, taken, most in (
            ("requests_per_minute", api.requests, api.requests_per_minute),
            ("tokens_per_minute", api.tokens, api.tokens_per_minute),
            ("concurrent_requests", api.concurrent, api.concurrent_requests),
        ):
            used.add_metric((*name, unit), taken)
            if most is not None:
                limit.add_metric((*name, unit), most)
        available.add_metric(name, int(api.state == "available"))
        cost.add_metric(name, api.cost_today_usd)
        waiting.add_metric(name, api.waiting)
    yield from (used, limit, available, cost, waiting)
