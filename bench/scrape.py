"""``python -m bench.scrape``: how long /metrics takes beside a million archived and 100,000 live jobs.

Scrapes come over HTTP, one after another. "fresh": each finds the picture of the database too old and asks it anew,
which is the worst there is; "shared": as they are served, from a picture of at most five seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time

import asyncpg
import httpx

from bench.server import load, running
from exora.app import migrate_schema, open_transport
from exora.coordination.wire import WireCoordinator
from exora.http.access import Access
from exora.http.live import LiveWorker
from exora.http.server import application, bind, serve
from exora.observe.logs import configure_logs
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Registry
from exora.worker.runtime import Worker

TOKEN = "bench-" + "t" * 32
#: Live jobs by where they are, in percent; the rest is ready, in three lanes.
_SCHEDULED, _RUNNING, _DEAD, _HELD = 10, 5, 3, 2
_FILL = """
insert into exora.jobs (id, created_at, scheduled_at, priority, max_retries, correlation_id, job_type, lane, category,
                        name, payload)
select n, now(), now(), 5, 5, gen_random_uuid(), t.lane, t.lane, 'standard', t.lane, '{{"limit": 1}}'
  from generate_series(1, {all}) n
 cross join lateral (select (array['report_generation', 'audit_cleanup', 'semantic_processing'])[n % 3 + 1] as lane) t;
insert into exora.job_archive (job, attempt, status, started_at, finished_at, retry_count, crash_count)
select n, 1, 'completed', now(), now(), 0, 0 from generate_series({live} + 1, {all}) n;
insert into exora.scheduled (job, due_at, attempt, retry_count, crash_count)
select n, now() + interval '1 day', 0, 0, 0 from generate_series(1, {scheduled}) n;
insert into exora.running (job, attempt, claim_token, started_at, heartbeat_at, lease_expires_at, lease_s, retry_count,
                           crash_count, correlation_id, worker_id)
select n, 1, gen_random_uuid(), now(), now(), now() + interval '1 day', 86400, 0, 0, gen_random_uuid(), 'w'
  from generate_series({scheduled} + 1, {running}) n;
insert into exora.dead_letters (job, dead_letter_at, attempt, retry_count, crash_count, cause, fingerprint)
select n, now(), 1, 0, 0, 'permanent', 'f' || n % 7 from generate_series({running} + 1, {dead}) n;
insert into exora.held_back (concurrency_key, sort_key, job, attempt, retry_count, crash_count)
select 'k' || n % 100, n, n, 0, 0, 0 from generate_series({dead} + 1, {held}) n;
insert into exora.ready (lane, sort_key, job, attempt, retry_count, crash_count)
select j.lane, j.id, j.id, 0, 0, 0 from exora.jobs j where j.id between {held} + 1 and {live};
select setval('exora.job_number', {all} + 1);
"""


async def fill(url: str, archived: int, live: int) -> None:
    """Make the jobs, and statistics about them."""
    ends, at = {}, 0
    for name, share in (("scheduled", _SCHEDULED), ("running", _RUNNING), ("dead", _DEAD), ("held", _HELD)):
        at += live * share // 100
        ends[name] = at
    db = await asyncpg.connect(url)
    await db.execute(_FILL.format(all=archived + live, live=live, **ends))
    await db.execute("vacuum analyze")
    await db.execute("checkpoint")
    await db.close()


async def scrape(url: str, count: int) -> dict[str, object]:
    """Scrape a worker so many times each way; milliseconds."""

    async def connect_keeper() -> Heartbeats:
        return WireCoordinator(open_transport(url, max_connections=1))

    transport = open_transport(url)
    coordinator = WireCoordinator(transport)
    registry = Registry()
    worker = Worker(coordinator, connect_keeper, registry, WorkerConfig(worker_id=new_worker_id("bench")))
    found: dict[str, object] = {}
    for name, old_s in (("fresh", 0.0), ("shared", 5.0)):
        app = application(LiveWorker(worker), coordinator, Access(TOKEN), old_s=old_s)
        async with (
            serve(app, bind("127.0.0.1", 0)) as port,
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}
            ) as client,
        ):
            took = []
            for _ in range(count):
                began = time.perf_counter()
                answer = await client.get("/metrics")
                took.append((time.perf_counter() - began) * 1000)
                if answer.status_code != 200 or "exora_database_up 1.0" not in answer.text:
                    raise SystemExit("a scrape failed")
        took.sort()
        found[name] = {
            "p50_ms": round(statistics.median(took), 1),
            "p95_ms": round(took[int(len(took) * 0.95)], 1),
            "max_ms": round(took[-1], 1),
        }
    found["bytes"] = len(answer.content)
    found["jobs"] = {
        state: sum(getattr(lane, state) for lane in await coordinator.queue_stats())
        for state in ("ready", "held_back", "scheduled", "running", "dead")
    }
    await transport.close()
    return found


def main() -> None:
    """Fill, scrape, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scrape", description=__doc__)
    parser.add_argument("--archived", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, default=100_000)
    parser.add_argument("--scrapes", type=int, default=100)
    parser.add_argument("--pause", action="store_true", help="wait for Enter before measuring")
    arguments = parser.parse_args()
    configure_logs("error")
    with running("embedded") as server:
        url = asyncio.run(server.create("scrape"))
        asyncio.run(migrate_schema(url))
        asyncio.run(fill(url, arguments.archived, arguments.live))
        if arguments.pause:
            print("filled; press Enter", file=sys.stderr, flush=True)
            sys.stdin.readline()
        found = {"archived": arguments.archived, "live": arguments.live} | asyncio.run(scrape(url, arguments.scrapes))
        print(json.dumps(found | {"load": load()}, indent=2))


if __name__ == "__main__":
    main()
