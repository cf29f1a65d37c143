"""The child pool: whatever a call does to its process, only that call fails, and keys are served in turn."""

from __future__ import annotations

import asyncio
import errno
import os
import select
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from exora.documents.pool import ChildPool
from exora.errors import CorruptDocument, DocumentError, EncryptedDocument, ExoraError, ProcessingLimit

GIB = 1024**3
noted: list[str] = []


# --- what the children are made to do ---------------------------------------------------------------


def pid() -> int:
    return os.getpid()


def echo(value: Any) -> Any:
    return value


def exit_at_once() -> None:
    os._exit(3)


def raise_signal(number: int) -> None:
    signal.raise_signal(number)


def spin() -> None:
    while True:
        pass


def burn(seconds: float) -> int:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def wait_forever() -> None:
    signal.pause()


def allocate(size: int) -> int:
    return len(bytearray(size))


def raise_typed() -> None:
    raise EncryptedDocument("locked", remedy="unlock it", field="storage_path")


def raise_untyped() -> None:
    raise ValueError("Jane Roe, MRN 4711")


def print_everywhere() -> str:
    print("noise", flush=True)
    os.write(1, b"\x00" * 100)
    return "answer"


def write_file(path: str) -> int:
    with open(path, "wb", buffering=0) as file:
        try:
            file.write(b"text of a patient")
        except OSError as error:
            return error.errno or 0
    return 0


def environment() -> list[str]:
    return sorted(os.environ)


def note(text: str) -> list[str]:
    noted.append(text)
    return noted


def place(content: bytes) -> tuple[int, int]:
    return id(content), len(content)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.getpid, ()


def hostile() -> Hostile:
    return Hostile()


# --- helpers ----------------------------------------------------------------------------------------


@pytest.fixture
async def pool() -> AsyncIterator[ChildPool]:
    async with ChildPool(1, allowed_modules=[__name__]) as opened:
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
        (exit_at_once, (), CorruptDocument),
        (raise_signal, (signal.SIGSEGV,), CorruptDocument),
        (raise_signal, (signal.SIGABRT,), ProcessingLimit),
        (raise_signal, (signal.SIGKILL,), ProcessingLimit),
        (hostile, (), CorruptDocument),
    ],
)
async def test_a_dead_or_dishonest_child_fails_its_call_only(
    pool: ChildPool, function: Any, args: tuple[Any, ...], expected: type[DocumentError]
) -> None:
    first = await run(pool, pid)
    with pytest.raises(expected):
        await run(pool, function, *args)
    assert await run(pool, pid) != first
    assert has_ended(first)


async def test_cpu_seconds_run_out(pool: ChildPool) -> None:
    with pytest.raises(ProcessingLimit, match="CPU"):
        await run(pool, spin, cpu_s=1)
    assert await run(pool, echo, "still here") == "still here"


async def test_cpu_seconds_are_counted_per_call_not_per_child(pool: ChildPool) -> None:
    children = {await run(pool, burn, 0.7, cpu_s=1) for _ in range(3)}
    assert len(children) == 1


async def test_wall_clock_runs_out_without_cpu(pool: ChildPool) -> None:
    with pytest.raises(ProcessingLimit, match=r"0\.2 seconds"):
        await run(pool, wait_forever, wall_s=0.2)
    assert await run(pool, echo, "still here") == "still here"


async def test_memory_runs_out() -> None:
    async with ChildPool(1, address_space_bytes=GIB, allowed_modules=[__name__]) as small:
        with pytest.raises(ProcessingLimit, match="memory"):
            await run(small, allocate, 2 * GIB)
        assert await run(small, allocate, GIB // 4) == GIB // 4


async def test_an_answer_beyond_all_measure_is_refused(pool: ChildPool) -> None:
    with pytest.raises(ProcessingLimit):
        await run(pool, echo, "x" * (65 * 1024 * 1024))


async def test_typed_errors_arrive_as_themselves(pool: ChildPool) -> None:
    with pytest.raises(EncryptedDocument) as error:
        await run(pool, raise_typed)
    assert (error.value.message, error.value.remedy, error.value.field) == ("locked", "unlock it", "storage_path")


async def test_other_errors_arrive_without_their_message(pool: ChildPool) -> None:
    with pytest.raises(CorruptDocument, match="ValueError") as error:
        await run(pool, raise_untyped)
    assert "Roe" not in error.value.one_line()
    assert error.value.__context__ is None


# --- what a child may not do ------------------------------------------------------------------------


async def test_prints_do_not_reach_the_answers(pool: ChildPool) -> None:
    assert await run(pool, print_everywhere) == "answer"


async def test_nothing_can_be_written_to_disk(pool: ChildPool, tmp_path: Path) -> None:
    file = tmp_path / "leak"
    assert await run(pool, write_file, str(file)) == errno.EFBIG
    assert file.read_bytes() == b""


async def test_a_child_sees_no_variable_of_its_parent(pool: ChildPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    seen = await run(pool, environment)
    assert "OPENAI_API_KEY" not in seen
    assert "HOME" not in seen


async def test_a_signal_that_starts_the_drain_does_not_stop_a_page(pool: ChildPool) -> None:
    child = await run(pool, pid)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(child, number)
    assert await run(pool, pid) == child


@pytest.mark.parametrize("function", [os.getpid, lambda: None, ChildPool.start])
async def test_only_module_level_functions_of_exora_are_run(pool: ChildPool, function: Any) -> None:
    with pytest.raises(ValueError, match=r"may not run|not a module-level function"):
        await run(pool, function)


# --- turns, cancellation, replacement ---------------------------------------------------------------


async def test_one_key_with_many_calls_does_not_starve_another(pool: ChildPool) -> None:
    finished: list[str] = []

    async def one(key: str, name: str) -> None:
        await run(pool, echo, name, key=key)
        finished.append(name)

    async with asyncio.TaskGroup() as calls:
        for index in range(30):
            calls.create_task(one("long", f"long {index}"))
        calls.create_task(one("short", "short"))
    assert finished.index("short") <= 1
    assert [name for name in finished if name != "short"] == [f"long {index}" for index in range(30)]


async def test_cancelling_a_waiting_call_drops_it(pool: ChildPool) -> None:
    running = asyncio.create_task(run(pool, burn, 0.2))
    waiting = asyncio.create_task(run(pool, note, "dropped"))
    await asyncio.sleep(0)
    waiting.cancel()
    await running
    assert await run(pool, note, "kept") == ["kept"]


async def test_cancelling_a_running_call_kills_its_child(pool: ChildPool) -> None:
    child = await run(pool, pid)
    running = asyncio.create_task(run(pool, wait_forever))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await running
    assert has_ended(child)
    assert await run(pool, pid) != child


async def test_the_bytes_of_a_document_cross_the_pipe_once(pool: ChildPool) -> None:
    document, other = bytes(100_000), bytes(200_000)
    first = await run(pool, place, document)
    assert await run(pool, place, document) == first
    assert (await run(pool, place, other))[1] == 200_000
    assert (await run(pool, place, document))[1] == 100_000


async def test_a_child_is_replaced_after_its_share_of_calls() -> None:
    async with ChildPool(1, calls_per_child=2, allowed_modules=[__name__]) as pool:
        children = [await run(pool, pid) for _ in range(4)]
    assert children[0] == children[1] != children[2] == children[3]


async def test_a_child_that_grew_too_big_is_replaced() -> None:
    async with ChildPool(1, max_rss_bytes=1, allowed_modules=[__name__]) as pool:
        assert await run(pool, pid) != await run(pool, pid)


# --- the end ----------------------------------------------------------------------------------------


async def test_closing_ends_children_and_calls_at_once() -> None:
    pool = ChildPool(2, allowed_modules=[__name__])
    await pool.start()
    children = [await run(pool, pid), await run(pool, pid)]
    calls = [asyncio.create_task(run(pool, wait_forever)) for _ in range(3)]
    await asyncio.sleep(0)
    await pool.close()
    for call in calls:
        with pytest.raises(ExoraError, match="stopped"):
            await call
    assert all(has_ended(child) for child in children)
    with pytest.raises(ExoraError, match="not started"):
        await run(pool, pid)


async def test_no_child_outlives_a_killed_parent() -> None:
    script = f"""
import asyncio, os, signal, sys
from {__name__} import ChildPool, pid, spin, run
async def main():
    allowed = [{__name__!r}]
    async with ChildPool(1, allowed_modules=allowed) as busy, ChildPool(1, allowed_modules=allowed) as idle:
        print(await run(busy, pid), await run(idle, pid), flush=True)
        await run(busy, spin, cpu_s=60, wall_s=60)
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
