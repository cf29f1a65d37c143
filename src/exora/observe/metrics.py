"""What this process did, as Prometheus metrics: read from the tally when somebody asks, nothing is paid per job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from exora.observe.calls import LATENCY_BOUNDS, RATIO_BOUNDS, CallTally
from exora.observe.process import children_memory_bytes
from exora.observe.tally import BOUNDS, Tally


def work_metrics(tally: Tally) -> Iterator[Metric]:
    """Attempts, run times, waits, pages, lost claims and rescues of this process."""
    attempts = CounterMetricFamily(
        "exora_job_attempts", "Attempts this worker ended, by how they ended.", labels=("job_type", "lane", "outcome")
    )
    runs = HistogramMetricFamily("exora_job_run_seconds", "How long attempts took.", labels=("job_type", "lane"))
    waits = HistogramMetricFamily(
        "exora_job_wait_seconds",
        "From enqueue to the first start; a job scheduled for later counts its whole delay.",
        labels=("job_type", "lane"),
    )
    pages = CounterMetricFamily("exora_pages", "Pages of documents read.", labels=("job_type", "engine"))
    for work in tally.lanes:
        labels = (work.job_type, work.lane)
        for outcome, count in work.counts().items():
            attempts.add_metric((*labels, outcome), count)
        runs.add_metric(labels, _buckets(work.runs, BOUNDS), work.run_s)
        waits.add_metric(labels, _buckets(work.waits, BOUNDS), work.wait_s)
        for engine, count in work.pages.items():
            pages.add_metric((work.job_type, engine), count)
    yield from (attempts, runs, waits, pages)
    yield CounterMetricFamily(
        "exora_claims_lost", "Attempts whose outcome was refused: another worker had the job.", value=tally.claims_lost
    )
    yield CounterMetricFamily(
        "exora_jobs_rescued", "Claims of lost workers that this worker's sweeps took back.", value=tally.rescued
    )
    yield GaugeMetricFamily(
        "exora_pool_memory_bytes", "Resident memory of the child processes.", value=children_memory_bytes()
    )


def call_metrics(tally: CallTally) -> Iterator[Metric]:
    """Capacity granted and denied, and calls by latency, errors, tokens, cost and estimate, API by API."""
    api = ("provider", "endpoint")
    granted = CounterMetricFamily("exora_api_granted", "Reservations this worker's calls were granted.", labels=api)
    denied = CounterMetricFamily(
        "exora_api_denied", "Reservations given up, by the limit or closing that bound them.", labels=(*api, "limit")
    )
    seconds = HistogramMetricFamily("exora_api_call_seconds", "From sending a call to its answer.", labels=api)
    errors = CounterMetricFamily("exora_api_errors", "Calls that failed, by kind.", labels=(*api, "kind"))
    tokens = CounterMetricFamily("exora_api_tokens", "Tokens used, as providers count.", labels=(*api, "direction"))
    cost = CounterMetricFamily("exora_api_cost_usd", "What calls cost by the price list.", labels=api)
    estimates = HistogramMetricFamily(
        "exora_api_estimate_ratio", "Tokens reserved over tokens used: 1 is exact, 2 wasted half.", labels=api
    )
    for name, calls in tally.apis.items():
        granted.add_metric(name, calls.granted)
        for limit, count in calls.denied.items():
            denied.add_metric((*name, limit), count)
        seconds.add_metric(name, _buckets(calls.latencies, LATENCY_BOUNDS), calls.latency_s)
        for kind, count in calls.errors.items():
            errors.add_metric((*name, kind), count)
        tokens.add_metric((*name, "input"), calls.input_tokens)
        tokens.add_metric((*name, "output"), calls.output_tokens)
        cost.add_metric(name, calls.microusd / 1e6)
        estimates.add_metric(name, _buckets(calls.ratios, RATIO_BOUNDS), calls.ratio_sum)
    yield from (granted, denied, seconds, errors, tokens, cost, estimates)


def _buckets(counts: Sequence[int], bounds: Sequence[float]) -> Sequence[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip([*map(str, bounds), "+Inf"], counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
