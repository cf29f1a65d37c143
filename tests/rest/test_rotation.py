"""A worker process over REST: a document from upload to record, a key rotated under it, and not a job lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from exora.app import open_services
from exora.dev.examples import examples
from exora.dev.gateway.keys import GatewayKeys
from exora.dev.gateway.local import LocalProject, local_project
from exora.domain.job import JobState
from exora.domain.record import Record
from exora.testing.processes import WorkerProcess

pytestmark = pytest.mark.xdist_group("processes")
BEFORE, AFTER = GatewayKeys.derived("before"), GatewayKeys.derived("after")
#: The guide's "all variables on".
ALL_ON = {"LOG_LEVEL": "trace", "DEBUG": "*", "NODE_DEBUG": "*", "VERBOSE": "true", "DEBUG_QUERIES": "true"}
SMALL = "medication-list.pdf"


@contextlib.asynccontextmanager
async def worker_over_rest(local: LocalProject, key_file: Path) -> AsyncIterator[WorkerProcess]:
    """A worker that reads its key from a file."""
    env = {"SUPABASE_URL": local.url, "EXORA_SUPABASE_KEY_FILE": str(key_file), "PORT": "0", "APP_ENV": "test"} | ALL_ON
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exora.cli.main", "worker", env=env, stderr=asyncio.subprocess.PIPE, cwd="/"
    )
    running = WorkerProcess(process)
    try:
        yield running
    finally:
        await running.ends(signal.SIGKILL)


async def test_a_key_is_rotated_under_a_worker_and_no_job_is_lost(embedded_dsn: str, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(BEFORE.service_role_key)
    content = next(example for example in examples() if example.file == SMALL).read()
    async with contextlib.AsyncExitStack() as stack:
        before = contextlib.AsyncExitStack()
        local = await before.enter_async_context(local_project(embedded_dsn, keys=BEFORE))
        port = int(local.url.rsplit(":", 1)[1])
        worker = await stack.enter_async_context(worker_over_rest(local, key_file))
        listening = await worker.says("http_listening")
        async with open_services(embedded_dsn) as direct, open_services(local.project()) as rest:
            patient = uuid4()
            await rest.coordinator.register_patient(patient)
            first = (await rest.submit(content, patient)).job.job_id
            await _completed(direct.coordinator, first)

            # The project's keys are changed: the worker's is refused from now on.
            await before.aclose()
            await stack.enter_async_context(local_project(embedded_dsn, port=port, keys=AFTER))
            other = uuid4()
            await direct.coordinator.register_patient(other)
            second = (await direct.submit(content, other)).job.job_id
            await worker.says("claim_failed")
            key_file.write_text(AFTER.publishable_key)
            worker.process.send_signal(signal.SIGHUP)
            await worker.says("supabase_key_refused")
            key_file.write_text(AFTER.secret_key)
            async with httpx.AsyncClient() as http:
                await http.get(f"http://127.0.0.1:{listening['port']}/ready")
            await _completed(direct.coordinator, second)
            record = Record.model_validate((await direct.coordinator.get_record(first)).record)
            names = [word for word in (record.patient.name or "").split() if len(word) > 3]
            assert names
        assert await worker.ends(signal.SIGTERM) == 0
    said = worker.log.decode()
    assert all(secret not in said for secret in (BEFORE.service_role_key, AFTER.secret_key, *names))
    calls = {line["function"] for line in worker.lines() if line["event"] == "database_call"}
    assert {"claim_jobs_v3", "store_record_v3", "settle_jobs_v3"} <= calls
    assert any(line["event"] == "polling_only" for line in worker.lines())


async def _completed(coordinator: object, job_id: object, within_s: float = 60) -> None:
    async with asyncio.timeout(within_s):
        while True:
            [job] = await coordinator.get_jobs([job_id])  # type: ignore[attr-defined]
            if job.state.final:
                assert job.state is JobState.COMPLETED, job.last_error
                return
            await asyncio.sleep(0.1)


async def test_exora_dev_says_where_it_is_in_one_line_and_ends_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exora.cli.main", "dev", "--ephemeral", "--json", "--port", "0",
        stdout=asyncio.subprocess.PIPE, cwd="/",
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(60):
        said = json.loads(await process.stdout.readline())
    try:
        assert sorted(said) == ["anon_key", "database_url", "jwt_secret", "service_role_key", "url"]
        headers = {"apikey": said["service_role_key"]}
        async with httpx.AsyncClient(base_url=said["url"], headers=headers) as http:
            assert (await http.post("/rest/v1/rpc/whoami_v3")).json() == "service_role"
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await process.wait() == 0
