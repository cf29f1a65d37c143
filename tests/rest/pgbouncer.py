"""pgbouncer in transaction mode in front of a test database: two server connections, however many clients."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

SERVER_CONNECTIONS = 2

_CONFIG = """
[databases]
{database} = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
admin_users = {user}
server_login_retry = 1
log_connections = 0
log_disconnections = 0
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Pooler:
    """A running pgbouncer.

    Attributes:
        dsn: the database's, through it.
        admin_dsn: of its own console.
    """

    def __init__(self, file: Path, listen: int, database: str, user: str) -> None:
        self.dsn = f"postgresql://{user}@127.0.0.1:{listen}/{database}"
        self.admin_dsn = f"postgresql://{user}@127.0.0.1:{listen}/pgbouncer"
        self._command = ["/usr/sbin/pgbouncer", str(file)]
        self._listen = listen
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        # It refuses to run as root; the database's socket is open to its own account only, so become that one.
        account = pwd.getpwnam("nobody")
        switched: dict[str, Any] = (
            {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **switched
        )
        _wait(self._listen, self._process)

    def kill(self) -> None:
        """SIGKILL: its clients' connections break, and its own to the database."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        """Stop it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)


@contextlib.contextmanager
def pooler(dsn: str) -> Iterator[str]:
    """The DSN of the same database through pgbouncer."""
    with breakable_pooler(dsn) as running:
        yield running.dsn


@contextlib.contextmanager
def breakable_pooler(dsn: str) -> Iterator[Pooler]:
    """pgbouncer before a database, for the length of the block."""
    parts, listen = urlsplit(dsn), free_port()
    query, database = parse_qs(parts.query), parts.path.strip("/")
    config = _CONFIG.format(
        database=database, host=query["host"][0], port=query["port"][0], user=parts.username, password=parts.password,
        listen=listen, size=SERVER_CONNECTIONS,
    )  # fmt: skip
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", dir="/tmp") as folder:
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(config)
        for path in (Path(folder), file):
            os.chown(path, account.pw_uid, account.pw_gid)
        running = Pooler(file, listen, database, parts.username or "")
        running.start()
        try:
            yield running
        finally:
            running.stop()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "pgbouncer did not start"
        assert time.monotonic() < deadline
        time.sleep(0.02)
