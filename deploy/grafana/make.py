"""Writes exora.json, the Grafana dashboard: `python deploy/grafana/make.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SOURCE = {"type": "prometheus", "uid": "${source}"}
_RATE = "[$__rate_interval]"
#: Title, unit, width of 24, then (legend, query) for each series.
_PANELS: tuple[tuple[str, str, int, tuple[tuple[str, str], ...]], ...] = (
    ("Attempts per second, by outcome", "ops", 12,
     (("{{outcome}}", f"sum by (outcome) (rate(exora_job_attempts_total{_RATE}))"),)),
    ("Jobs, by where they are", "short", 12,
     (("{{state}}", "sum by (state) (max by (lane, state) (exora_queue_jobs))"),)),
    ("Wait, enqueue to start", "s", 8,
     (("p50", f"histogram_quantile(0.5, sum by (le) (rate(exora_job_wait_seconds_bucket{_RATE})))"),
      ("p95", f"histogram_quantile(0.95, sum by (le) (rate(exora_job_wait_seconds_bucket{_RATE})))"))),
    ("Run time", "s", 8,
     (("p50", f"histogram_quantile(0.5, sum by (le) (rate(exora_job_run_seconds_bucket{_RATE})))"),
      ("p95", f"histogram_quantile(0.95, sum by (le) (rate(exora_job_run_seconds_bucket{_RATE})))"))),
    ("Oldest ready job, by lane", "s", 8, (("{{lane}}", "max by (lane) (exora_queue_oldest_seconds)"),)),
    ("Slots", "short", 8,
     (("busy", "sum(exora_worker_active_jobs)"), ("all", "sum(exora_worker_slots)"))),
    ("Workers", "short", 8, (("{{state}}", "max by (state) (exora_workers)"),)),
    ("Dead letters, by lane", "short", 8, (("{{lane}}", 'max by (lane) (exora_queue_jobs{state="dead"}) > 0'),)),
    ("API capacity used", "percentunit", 12,
     (("{{provider}}/{{endpoint}} {{unit}}", "max by (provider, endpoint, unit) (exora_capacity_used)"
       " / max by (provider, endpoint, unit) (exora_capacity_limit)"),)),
    ("API calls that wait", "short", 6,
     (("{{provider}}/{{endpoint}}", "max by (provider, endpoint) (exora_capacity_waiting_calls)"),)),
    ("Spent today", "currencyUSD", 6,
     (("{{provider}}/{{endpoint}}", "max by (provider, endpoint) (exora_capacity_cost_today_usd)"),)),
    ("API calls granted per second", "ops", 8,
     (("{{provider}}/{{endpoint}}", f"sum by (provider, endpoint) (rate(exora_api_granted_total{_RATE}))"),)),
    ("API calls denied, by limit", "ops", 8,
     (("{{provider}}/{{endpoint}} {{limit}}",
       f"sum by (provider, endpoint, limit) (rate(exora_api_denied_total{_RATE}))"),)),
    ("API errors, by kind", "ops", 8,
     (("{{provider}}/{{endpoint}} {{kind}}",
       f"sum by (provider, endpoint, kind) (rate(exora_api_errors_total{_RATE}))"),)),
    ("API latency", "s", 8,
     (("{{provider}}/{{endpoint}} p50",
       f"histogram_quantile(0.5, sum by (le, provider, endpoint) (rate(exora_api_call_seconds_bucket{_RATE})))"),
      ("{{provider}}/{{endpoint}} p95",
       f"histogram_quantile(0.95, sum by (le, provider, endpoint) (rate(exora_api_call_seconds_bucket{_RATE})))"))),
    ("Tokens per minute, and cost per hour", "short", 8,
     (("{{provider}}/{{endpoint}} {{direction}}",
       f"60 * sum by (provider, endpoint, direction) (rate(exora_api_tokens_total{_RATE}))"),
      ("{{provider}}/{{endpoint}} USD",
       f"3600 * sum by (provider, endpoint) (rate(exora_api_cost_usd_total{_RATE}))"))),
    ("Tokens reserved over used (1 = exact)", "short", 8,
     (("{{provider}}/{{endpoint}} p50",
       f"histogram_quantile(0.5, sum by (le, provider, endpoint) (rate(exora_api_estimate_ratio_bucket{_RATE})))"),
      ("{{provider}}/{{endpoint}} p95",
       f"histogram_quantile(0.95, sum by (le, provider, endpoint) (rate(exora_api_estimate_ratio_bucket{_RATE})))"))),
    ("Pages per minute, by engine", "short", 8,
     (("{{engine}}", f"60 * sum by (engine) (rate(exora_pages_total{_RATE}))"),)),
    ("Memory", "bytes", 8,
     (("{{instance}}", "process_resident_memory_bytes"), ("{{instance}} children", "exora_pool_memory_bytes"))),
    ("CPU", "percentunit", 8, (("{{instance}}", f"rate(process_cpu_seconds_total{_RATE})"),)),
    ("Trouble", "short", 12,
     (("claims lost", f"sum(increase(exora_claims_lost_total{_RATE}))"),
      ("jobs rescued", f"sum(increase(exora_jobs_rescued_total{_RATE}))"),
      ("lanes paused", "sum(max by (lane) (exora_lane_paused))"))),
    ("Look at the database", "s", 12,
     (("{{instance}}", "exora_database_look_seconds"), ("heartbeat age {{instance}}", "exora_heartbeat_age_seconds"))),
)  # fmt: skip


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    panels, x, y = [], 0, 0
    for number, (title, unit, width, series) in enumerate(_PANELS, start=1):
        if x + width > 24:
            x, y = 0, y + 8
        panels.append(
            {
                "id": number,
                "title": title,
                "type": "timeseries",
                "datasource": _SOURCE,
                "gridPos": {"x": x, "y": y, "w": width, "h": 8},
                "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": {"fillOpacity": 10}}, "overrides": []},
                "targets": [
                    {"refId": chr(65 + place), "expr": query, "legendFormat": legend, "datasource": _SOURCE}
                    for place, (legend, query) in enumerate(series)
                ],
            }
        )
        x += width
    source = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "title": "Exora",
        "uid": "exora",
        "tags": ["exora"],
        "timezone": "utc",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": panels,
    }


if __name__ == "__main__":
    file = Path(__file__).with_name("exora.json")
    file.write_text(json.dumps(dashboard(), indent=1) + "\n", encoding="utf-8")
