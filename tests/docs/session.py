"""One page's session: a directory, a shell, a Python namespace and a database, carried from block to block."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import yaml

from exora.dev.embedded import Binaries

from .pages import ROOT, Block
from .shown import Aliases, matches

#: What a page may name as if it stood in a checkout.
_LINKED = {
    **{name: name for name in ("examples", "deploy", "docs", "render.yaml", "Makefile")},
    "node_modules": "tests/clients/node_modules",
}
_WITHIN_S = 240.0
_DONE = "--done--"


class Session:
    """What the blocks of a page share.

    Args:
        folder: where its files go; empty.
        shim: the folder that `exora` is in.
        dsn: its database.
    """

    def __init__(self, folder: Path, shim: Path, dsn: str) -> None:
        self._folder = folder
        self._shim = shim
        self._dsn = dsn
        self._names: dict[str, Any] = {}
        self._outputs = 0
        http, gateway = _free_ports(2)
        self._http = http
        restored = urlunsplit(urlsplit(dsn)._replace(path="/restored"))
        self._aliases = Aliases()
        for said, meant in {
            "postgresql://user:password@host:5432/database": shlex.quote(dsn),
            "postgresql://user:password@host:5432/restored": shlex.quote(restored),
            ".venv/bin/exora": "exora",
            "127.0.0.1:10000": f"127.0.0.1:{http}",
            "localhost:10000": f"localhost:{http}",
            "127.0.0.1:54321": f"127.0.0.1:{gateway}",
            "exora dev": f"exora dev --port {gateway}",
        }.items():
            self._aliases[said] = meant

    async def __aenter__(self) -> Self:
        for name, place in _LINKED.items():
            (self._folder / name).symlink_to(ROOT / place)
        self._shell = await asyncio.create_subprocess_exec(
            "bash",
            "--noprofile",
            "--norc",
            cwd=self._folder,
            env={
                "PATH": os.pathsep.join(
                    [
                        str(self._shim),
                        str(Path(sys.executable).parent),
                        str(Binaries.of_wheel().bin_dir),
                        os.environ["PATH"],
                    ]
                ),
                "HOME": str(self._folder),
                "LANG": "C.UTF-8",
                "DATABASE_URL": self._dsn,
                "PORT": str(self._http),
                "EXORA_DATA_DIR": str(self._folder / "data"),
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        pipe = self._shell.stdin
        assert pipe is not None
        pipe.write(b"kill -9 $(jobs -p) 2>/dev/null; exit\n")
        pipe.close()
        try:
            async with asyncio.timeout(10):
                await self._shell.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._shell.pid, signal.SIGKILL)

    async def run(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            AssertionError: it fails, or prints something else than it shows.
        """
        if block.file is not None:
            (self._folder / block.file).write_text(self._aliases.meant(block.text), encoding="utf-8")
        match block.language:
            case "console":
                for command, shown in _commands(block.text):
                    await self._command(block, command, shown)
            case "bash" | "sh":
                await self._command(block, block.text, None)
            case "python":
                if block.file is None:
                    code = compile(self._aliases.meant(block.text), block.place, "exec")
                    with contextlib.chdir(self._folder):
                        await asyncio.to_thread(exec, code, self._names)
                else:
                    compile(block.text, block.place, "exec")
            case "js":
                assert block.file is not None, f"{block.place}: name its file, and run it with node"
                assert (self._folder / "node_modules").exists(), "install the official client: make clients"
            case "sql":
                await self._sql(block)
            case "json":
                json.loads(block.text)
            case "yaml":
                yaml.safe_load(block.text)
            case "toml":
                tomllib.loads(block.text)
            case other:
                raise AssertionError(
                    f"{block.place}: nobody knows how to run {other}; give it a title that says where to"
                )

    async def _sql(self, block: Block) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            if block.title == "signature":
                declared = re.match(r"(public\.\w+)\(", block.text)
                assert declared is not None, block.place
                known = await connection.fetchval("select to_regproc($1) is not null", declared[1])
                assert known, f"{block.place}: there is no such function"
            else:
                await connection.execute(self._aliases.meant(block.text))
        finally:
            await connection.close()

    async def _command(self, block: Block, command: str, shown: str | None) -> None:
        code, printed = await self._shell_runs(self._aliases.meant(command))
        may_fail = shown is not None and re.search(r"\berror\b|failed", shown)
        assert code == 0 or may_fail, f"{block.place}: `{command}` ended with {code}:\n{printed}"
        if shown:
            assert matches(shown, printed, self._aliases), (
                f"{block.place}: `{command}` printed\n{printed}\nbut the page shows\n{shown}"
            )

    async def _shell_runs(self, command: str) -> tuple[int, str]:
        self._outputs += 1
        output = self._folder / f".output-{self._outputs}"
        pipe, answers = self._shell.stdin, self._shell.stdout
        assert pipe is not None
        assert answers is not None
        pipe.write(f"{{ {command}\n}} >{output} 2>&1 </dev/null; echo {_DONE} $?\n".encode())
        try:
            async with asyncio.timeout(_WITHIN_S):
                line = (await answers.readline()).decode()
        except TimeoutError:
            logs = "".join(log.read_text(encoding="utf-8") for log in self._folder.glob("*.log"))
            raise AssertionError(f"`{command}` did not end: {output.read_text()}\n{logs}") from None
        assert line.startswith(_DONE), f"the shell ended after `{command}`: {output.read_text()}"
        return int(line.split()[1]), output.read_text(encoding="utf-8")


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console block with the output shown after it."""
    command, shown, open_line = "", "", False
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], ""
        elif open_line or line.startswith("> "):
            command += "\n" + line.removeprefix("> ")
        else:
            shown += line + "\n"
        open_line = line.endswith("\\") and not shown
    yield command, shown


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports
