"""One worker process of the benchmark: calls at a pace through the gate and the real SDK, or reservations alone."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import time
from uuid import uuid4

import uvloop

from exora.capacity.gate import Gate, Terms
from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.domain.capacity import Permit
from exora.errors import ExoraError
from exora.providers.openai import OpenAI

API = ("openai", "gpt-4o-mini")
_SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
#: The stand-in counts a fourth of the characters, as the gate's caller does here.
_PROMPT = "x" * 160


async def offer(arguments: argparse.Namespace) -> None:
    """Offer calls, open loop, until killed or told to end; who finds no capacity within its patience goes away."""
    transport = PostgresTransport(arguments.dsn)
    gate = Gate(WireCoordinator(transport), f"{arguments.name}-{uuid4().hex[:8]}", lease_s=arguments.lease_s)
    client = OpenAI("test-key", arguments.url, timeout_s=60)
    terms = Terms(patience_s=arguments.patience_s)
    tasks: set[asyncio.Task[None]] = set()

    async def make(permit: Permit) -> None:
        await client.complete(
            permit, model=API[1], system="", user=f"{arguments.name} {_PROMPT}", schema_name="none", schema=_SCHEMA,
            max_output_tokens=60,
        )  # fmt: skip

    async def one() -> None:
        with contextlib.suppress(ExoraError):
            await gate.call(*API, make, tokens=110, output_tokens=60, terms=terms)

    began = next_at = time.monotonic()
    until = began + arguments.seconds
    while time.monotonic() < until:
        # The first window is filled evenly, or its burst would come back every minute.
        warm = time.monotonic() < began + arguments.warm_s
        next_at += 1 / (arguments.rate / arguments.overload if warm else arguments.rate)
        task = asyncio.create_task(one())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await asyncio.sleep(max(next_at - time.monotonic(), 0))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await gate.close()
    await client.close()
    await transport.close()


async def block(arguments: argparse.Namespace) -> None:
    """Reserve and settle through a block as fast as fifty tasks can, without a call; prints how many that were."""
    transport = PostgresTransport(arguments.dsn)
    gate = Gate(WireCoordinator(transport), f"{arguments.name}-{uuid4().hex[:8]}")
    done = 0

    async def loop() -> None:
        nonlocal done
        while time.monotonic() < until:
            async with gate.reserve(*API, tokens=10) as permit:
                await permit.begin()
                permit.answered(processing_ms=0)
            done += 1
            if done % 50 == 0:
                await asyncio.sleep(0)  # as any call would, let the others in

    until = time.monotonic() + arguments.seconds
    await asyncio.gather(*(loop() for _ in range(50)))
    await gate.close()
    await transport.close()
    json.dump({"done": done}, sys.stdout)


async def single(arguments: argparse.Namespace) -> None:
    """Reserve and settle row by row over four connections; prints how many that were."""
    transport = PostgresTransport(arguments.dsn)
    coordinator = WireCoordinator(transport)
    done = 0

    async def loop() -> None:
        nonlocal done
        while time.monotonic() < until:
            reservation_id = uuid4()
            await coordinator.reserve_api_capacity(
                reservation_id=reservation_id,
                holder=arguments.name,
                provider=API[0],
                endpoint=API[1],
                tokens=10,
                lease_s=60,
            )
            await coordinator.settle_api_capacity(reservation_id, 10)
            done += 1

    until = time.monotonic() + arguments.seconds
    await asyncio.gather(*(loop() for _ in range(4)))
    await transport.close()
    json.dump({"done": done}, sys.stdout)


async def overhead(arguments: argparse.Namespace) -> None:
    """What the gate adds to a call while capacity is free, at a hundred calls a second; prints the median in ms."""
    transport = PostgresTransport(arguments.dsn)
    gate = Gate(WireCoordinator(transport), f"{arguments.name}-{uuid4().hex[:8]}")
    took: list[float] = []
    until = time.monotonic() + arguments.seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        async with gate.reserve(*API, tokens=10) as permit:
            await permit.begin()
            within = time.perf_counter()
            await asyncio.sleep(0.005)
            permit.answered(processing_ms=5)
            left = time.perf_counter()
        took.append((within - began + time.perf_counter() - left) * 1000)
        await asyncio.sleep(0.005)
    await gate.close()
    await transport.close()
    json.dump({"p50_ms": statistics.median(took), "p99_ms": statistics.quantiles(took, n=100)[98]}, sys.stdout)


def main() -> None:
    """``python -m bench.capacity.agent``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["offer", "block", "single", "overhead"])
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--name", default="agent")
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--overload", type=float, default=1)
    parser.add_argument("--warm-s", type=float, default=0)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--patience-s", type=float, default=5)
    parser.add_argument("--lease-s", type=float, default=15)
    arguments = parser.parse_args()
    mode = {"offer": offer, "block": block, "single": single, "overhead": overhead}[arguments.mode]
    uvloop.run(mode(arguments))


if __name__ == "__main__":
    main()
