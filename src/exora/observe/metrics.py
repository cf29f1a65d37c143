"""What this process did, as Prometheus metrics: read from the tally when somebody asks, nothing is paid per job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

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
        runs.add_metric(labels, _buckets(work.runs), work.run_s)
        waits.add_metric(labels, _buckets(work.waits), work.wait_s)
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


def _buckets(counts: Sequence[int]) -> Sequence[tuple[str, float]]:
    total, buckets = 0, []
    for bound, count in zip(_names(), counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets


def _names() -> Iterable[str]:
    yield from (str(bound) for bound in BOUNDS)
    yield "+Inf"
