"""A lean worker process for tests: ``python -m exora.testing.crew DSN MODULE`` serves what MODULE registers.

Workers of the command line start slowly, as documents need much; and they sweep once a second, which is right for a
database and long for a test.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import importlib
import signal

from exora.coordination.postgres import PostgresTransport
from exora.coordination.wire import WireCoordinator
from exora.observe.logs import configure_logs
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.keeper import Heartbeats
from exora.worker.registry import default_registry
from exora.worker.runtime import Worker

#: Option of prctl(2): the signal a process gets when the thread that made it ends.
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """A test that is killed leaves no worker behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


async def work(arguments: argparse.Namespace) -> None:
    """Work until told to stop."""

    async def connect_keeper() -> Heartbeats:
        return WireCoordinator(
            PostgresTransport(arguments.dsn, max_connections=1, command_timeout_s=arguments.command_timeout_s)
        )

    config = WorkerConfig(
        new_worker_id(arguments.name), concurrency=arguments.slots, sweep_interval_s=arguments.sweep_s,
        poll_max_s=arguments.poll_s, drain_s=arguments.drain_s,
    )  # fmt: skip
    transport = PostgresTransport(arguments.dsn, command_timeout_s=arguments.command_timeout_s)
    await Worker(WireCoordinator(transport), connect_keeper, default_registry, config).run()
    await transport.close()


def main() -> None:
    """Read the arguments and work."""
    parser = argparse.ArgumentParser(prog="exora.testing.crew")
    parser.add_argument("dsn")
    parser.add_argument("module", help="a module whose import registers handlers with @exora.handler")
    parser.add_argument("--name", default="crew", help="prefix of the worker's id")
    parser.add_argument("--slots", type=int, default=8, help="jobs at once")
    parser.add_argument("--drain-s", type=float, default=5.0, help="how long jobs may finish after SIGTERM")
    parser.add_argument("--sweep-s", type=float, default=0.2, help="mean pause between sweeps")
    parser.add_argument("--poll-s", type=float, default=0.5, help="longest pause between empty claims")
    parser.add_argument("--command-timeout-s", type=float, default=7.5, help="for one call of the database")
    parser.add_argument("--log", default="info", help="lowest level of log lines")
    arguments = parser.parse_args()
    die_with_parent()
    configure_logs(arguments.log)
    importlib.import_module(arguments.module)
    asyncio.run(work(arguments))


if __name__ == "__main__":
    main()
