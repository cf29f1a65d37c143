"""Runs the command line as a user does: a process of its own, its two outputs, its exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The standard output as JSON."""
        return json.loads(self.out)


async def exora(*arguments: str, stdin: bytes = b"", within_s: float = 120, **environment: str) -> Ran:
    """Run ``exora`` with a bare environment and the given variables."""
    return await exora_in(environment, *arguments, stdin=stdin, within_s=within_s)


async def exora_in(environment: dict[str, str], *arguments: str, stdin: bytes = b"", within_s: float = 120) -> Ran:
    """As ``exora``, the variables in a dict."""
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | environment
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "exora.cli.main",
        *arguments,
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
    )
    async with asyncio.timeout(within_s):
        out, err = await process.communicate(stdin)
    return Ran(process.returncode or 0, out.decode(), err.decode())
