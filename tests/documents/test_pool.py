"""The child pool: whatever a call does to its process, only that call fails, and keys are served in turn."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exora.documents.pool import ChildPool
from exora.errors import CorruptDocument, DocumentError, EncryptedDocument, ExoraError, ProcessingLimit
from tests.data import deeds

GIB = 1024**3
#: Two seconds of a child's CPU, which yields to others, take half a minute of the clock while others compute.
_BUSY_S = 600.0


# --- helpers ----------------------------------------------------------------------------------------


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(1, allowed_modules=[deeds.__name__]) as opened:
        yield opened


async def run(pool: ChildPool, function: Any, *args: Any, key: str = "a", cpu_s: float = 20, wall_s: float = 30) -> Any:
    return await pool.run(function, *args, key=key, cpu_s=cpu_s, wall_s=wall_s)


def has_ended(process: int) -> bool:
    """Whether a process ends within ten seconds, by an event of the kernel."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


# --- failures stay with their call ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (deeds.exit_at_once, (), CorruptDocument),
        (deeds.raise_signal, (signal.SIGSEGV,), CorruptDocument),
        (deeds.raise_signal, (signal.SIGABRT,), ProcessingLimit),
        (deeds.raise_signal, (signal.SIGKILL,), ProcessingLimit),
        (deeds.hostile, (), CorruptDocument),
    ],
)
async def test_a_dead_or_dishonest_child_fails_its_call_only(
    pool: ChildPool, function: Any, args: tuple[Any, ...], expected: type[DocumentError]
) -> None:
    first = await run(pool, deeds.pid)
    with pytest.raises(expected):
        await run(pool, function, *args)
    assert await run(pool, deeds.pid) != first
    assert has_ended(first)


async def test_cpu_seconds_run_out(pool: ChildPool) -> None:
    with pytest.raises(ProcessingLimit, match="CPU"):
        await run(pool, deeds.spin, cpu_s=1, wall_s=_BUSY_S)
    assert await run(pool, deeds.echo, "still here") == "still here"


async def test_cpu_seconds_are_counted_per_call_not_per_child(pool: ChildPool) -> None:
    children = {await run(pool, deeds.burn, 0.7, cpu_s=1, wall_s=_BUSY_S) for _ in range(3)}
    assert len(children) == 1


async def test_wall_clock_runs_out_without_cpu(pool: ChildPool) -> None:
    with pytest.raises(ProcessingLimit, match=r"0\.2 seconds"):
        await run(pool, deeds.wait_forever, wall_s=0.2)
    assert await run(pool, deeds.echo, "still here") == "still here"


async def test_memory_runs_out() -> None:
    async with ChildPool(1, address_space_bytes=GIB, allowed_modules=[deeds.__name__]) as small:
        with pytest.raises(ProcessingLimit, match="memory"):
            await run(small, deeds.allocate, 2 * GIB)
        assert await run(small, deeds.allocate, GIB // 4) == GIB // 4


async def test_an_answer_beyond_all_measure_is_refused(pool: ChildPool) -> None:
    with pytest.raises(ProcessingLimit):
        await run(pool, deeds.echo, "x" * (65 * 1024 * 1024))


async def test_typed_errors_arrive_as_themselves(pool: ChildPool) -> None:
    with pytest.raises(EncryptedDocument) as error:
        await run(pool, deeds.raise_typed)
    assert (error.value.message, error.value.remedy, error.value.field) == ("locked", "unlock it", "storage_path")


async def test_other_errors_arrive_without_their_message(pool: ChildPool) -> None:
    with pytest.raises(CorruptDocument, match="ValueError") as error:
        await run(pool, deeds.raise_untyped)
    assert "Roe" not in error.value.one_line()
    assert error.value.__context__ is None


# --- what a child may not do ------------------------------------------------------------------------


async def test_prints_do_not_reach_the_answers(pool: ChildPool) -> None:
    assert await run(pool, deeds.print_everywhere) == "answer"


async def test_nothing_can_be_written_to_disk(pool: ChildPool, tmp_path: Path) -> None:
    file = tmp_path / "leak"
    assert await run(pool, deeds.write_file, str(file)) == errno.EFBIG
    assert file.read_bytes() == b""


async def test_a_child_sees_no_variable_of_its_parent(pool: ChildPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    seen = await run(pool, deeds.environment)
    assert "OPENAI_API_KEY" not in seen
    assert "HOME" not in seen


async def test_a_signal_that_starts_the_drain_does_not_stop_a_page(pool: ChildPool) -> None:
    child = await run(pool, deeds.pid)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(child, number)
    assert await run(pool, deeds.pid) == child


@pytest.mark.parametrize("function", [os.getpid, lambda: None, ChildPool.start])
async def test_only_module_level_functions_of_exora_are_run(pool: ChildPool, function: Any) -> None:
    with pytest.raises(ValueError, match=r"may not run|not a module-level function"):
        await run(pool, function)


# --- turns, cancellation, replacement ---------------------------------------------------------------


async def test_one_key_with_many_calls_does_not_starve_another(pool: ChildPool) -> None:
    finished: list[str] = []

    async def one(key: str, name: str) -> None:
        await run(pool, deeds.echo, name, key=key)
        finished.append(name)

    async with asyncio.TaskGroup() as calls:
        for index in range(30):
            calls.create_task(one("long", f"long {index}"))
        calls.create_task(one("short", "short"))
    assert finished.index("short") <= 1
    assert [name for name in finished if name != "short"] == [f"long {index}" for index in range(30)]


async def test_cancelling_a_waiting_call_drops_it(pool: ChildPool) -> None:
    running = asyncio.create_task(run(pool, deeds.burn, 0.2))
    waiting = asyncio.create_task(run(pool, deeds.note, "dropped"))
    await asyncio.sleep(0)
    waiting.cancel()
    await running
    assert await run(pool, deeds.note, "kept") == ["kept"]


async def test_cancelling_a_running_call_kills_its_child(pool: ChildPool) -> None:
    child = await run(pool, deeds.pid)
    running = asyncio.create_task(run(pool, deeds.wait_forever))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await running
    assert has_ended(child)
    assert await run(pool, deeds.pid) != child


async def test_the_bytes_of_a_document_cross_the_pipe_once(pool: ChildPool) -> None:
    document, other = bytes(100_000), bytes(200_000)
    first = await run(pool, deeds.place, document)
    assert await run(pool, deeds.place, document) == first
    assert (await run(pool, deeds.place, other))[1] == 200_000
    assert (await run(pool, deeds.place, document))[1] == 100_000


async def test_a_child_is_replaced_after_its_share_of_calls() -> None:
    async with ChildPool(1, calls_per_child=2, allowed_modules=[deeds.__name__]) as pool:
        children = [await run(pool, deeds.pid) for _ in range(4)]
    assert children[0] == children[1] != children[2] == children[3]


async def test_a_child_that_grew_too_big_is_replaced() -> None:
    async with ChildPool(1, max_rss_bytes=1, allowed_modules=[deeds.__name__]) as pool:
        assert await run(pool, deeds.pid) != await run(pool, deeds.pid)


# --- the end ----------------------------------------------------------------------------------------


async def test_closing_ends_children_and_calls_at_once() -> None:
    pool = ChildPool(2, allowed_modules=[deeds.__name__])
    await pool.start()
    children = [await run(pool, deeds.pid), await run(pool, deeds.pid)]
    calls = [asyncio.create_task(run(pool, deeds.wait_forever)) for _ in range(3)]
    await asyncio.sleep(0)
    await pool.close()
    for call in calls:
        with pytest.raises(ExoraError, match="stopped"):
            await call
    assert all(has_ended(child) for child in children)
    with pytest.raises(ExoraError, match="not started"):
        await run(pool, deeds.pid)


async def test_no_child_outlives_a_killed_parent() -> None:
    script = """
import asyncio
from exora.documents.pool import ChildPool
from tests.data import deeds
async def main():
    allowed = [deeds.__name__]
    async with ChildPool(1, allowed_modules=allowed) as busy, ChildPool(1, allowed_modules=allowed) as idle:
        print(*[await pool.run(deeds.pid, key=1, cpu_s=60, wall_s=60) for pool in (busy, idle)], flush=True)
        await busy.run(deeds.spin, key=1, cpu_s=60, wall_s=60)
asyncio.run(main())
"""
    environment = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert parent.stdout is not None
    children = [int(number) for number in (await parent.stdout.readline()).split()]
    assert len(children) == 2
    parent.kill()
    await parent.wait()
    assert all(has_ended(child) for child in children)
