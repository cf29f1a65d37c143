"""A handler that does what a job's payload says: ``python -m exora.testing.crew DSN tests.faults.deeds``."""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
from typing import Any

import exora
from exora.domain.outcome import Completed

TYPE = "report_generation"
_draw = random.Random(os.getpid())


@exora.handler(TYPE)
async def handle(context: exora.JobContext, payload: dict[str, Any]) -> Completed | None:
    """Light work unless told otherwise; ``limit`` is in milliseconds."""
    match payload.get("scope", "work"):
        case "work":  # one attempt in ten fails
            await asyncio.sleep(_draw.choice([0, 0, 0.001, 0.01]))
            if _draw.random() < 0.1:
                raise ValueError
        case "sleep":
            await asyncio.sleep(payload["limit"] / 1000)
        case "exit":
            os._exit(1)
        case "segfault":
            ctypes.string_at(0)
        case "gil":  # holds the interpreter's lock: no thread of this process runs any more, no signal is handled
            ctypes.PyDLL(None).sleep(3600)
        case "step":
            await context.step(str(context.job.job_id), compute=_compute)
    return None


async def _compute() -> dict[str, Any]:
    return {"answer": 42}
