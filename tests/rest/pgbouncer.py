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
log_connections = 0
log_disconnections = 0
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def pooler(dsn: str) -> Iterator[str]:
    """The DSN of the same database through pgbouncer."""
    parts, listen = urlsplit(dsn), free_port()
    query, database = parse_qs(parts.query), parts.path.strip("/")
    config = _CONFIG.format(
        database=database, host=query["host"][0], port=query["port"][0], user=parts.username, password=parts.password,
        listen=listen, size=SERVER_CONNECTIONS,
    )  # fmt: skip
    # It refuses to run as root; the database's socket is open to its own account only, so become that one.
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", dir="/tmp") as folder:
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(config)
        for path in (Path(folder), file):
            os.chown(path, account.pw_uid, account.pw_gid)
        switched: dict[str, Any] = (
            {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        process = subprocess.Popen(
            ["/usr/sbin/pgbouncer", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **switched
        )
        try:
            _wait(listen, process)
            yield f"postgresql://exora@127.0.0.1:{listen}/{database}"
        finally:
            process.terminate()
            process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "pgbouncer did not start"
        assert time.monotonic() < deadline
        time.sleep(0.02)
