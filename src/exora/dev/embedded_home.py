"""The directory an embedded server lives in: its layout, its lock and its connection file."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from exora.dev.embedded_process import Account, answers, socket_path
from exora.errors import ConfigurationError

#: sun_path of sockaddr_un is 108 bytes with its final zero: unix(7).
MAX_SOCKET_PATH_BYTES = 107
_TEMPORARY = "exora-pg-"
_SHORT_SOCKETS = "exora-run-"
_MAX_LOG_BYTES = 10 * 1024 * 1024
#: Needs quoting neither in a connection string nor in ``unix_socket_directories``.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")
_NO_ENVIRONMENT: Mapping[str, str] = MappingProxyType({})


def default_data_dir(environ: Mapping[str, str] = _NO_ENVIRONMENT) -> Path:
    """Where the embedded server lives when nobody says otherwise.

    ``/var/lib/exora`` for root, else ``$XDG_DATA_HOME/exora``, else ``~/.local/share/exora``
    (XDG Base Directory Specification, which also says to ignore a relative XDG_DATA_HOME).

    Args:
        environ: the environment to look XDG_DATA_HOME up in.

    Raises:
        ConfigurationError: this user has no home directory.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/exora")
    configured = environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(configured):
        return Path(configured) / "exora"
    try:
        return Path.home() / ".local" / "share" / "exora"
    except RuntimeError:
        raise ConfigurationError(
            "There is no home directory to keep the embedded database in",
            remedy="Name a data directory, or set DATABASE_URL",
        ) from None


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the server of a home.

    Attributes:
        socket_dir, port: of the last start; an empty ``socket_dir`` says that there was none yet.
        password, user, database: of the superuser, for as long as the data live.
    """

    password: str
    user: str
    database: str
    socket_dir: str
    port: int

    def dsn(self) -> str:
        """The connection string. The password is made of characters that need no quoting."""
        host = quote(self.socket_dir, safe="/")
        return f"postgresql://{self.user}:{self.password}@/{self.database}?host={host}&port={self.port}"

    def answers(self) -> bool:
        """Whether a server accepts connections there now."""
        return bool(self.socket_dir) and answers(socket_path(Path(self.socket_dir), self.port))


@dataclass(frozen=True, slots=True)
class Home:
    """The directory an embedded server lives in.

    It belongs to whoever runs Exora; only ``cluster`` and the sockets belong to the server's account.

    Attributes:
        path: absolute, free of symbolic links.
    """

    path: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory (PGDATA)."""
        return self.path / "cluster"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.path / "postgres.log"

    @property
    def connection_file(self) -> Path:
        """JSON with the password, for the owner's eyes only."""
        return self.path / "connection.json"

    @classmethod
    def at(cls, path: Path, account: Account) -> Home:
        """The home at ``path``, made if it is missing.

        Directories that exist keep their mode and owner, whatever these are.

        Raises:
            ConfigurationError: it belongs to somebody else, or ``account`` cannot get there.
            OSError: it cannot be made.
        """
        path = Path(os.path.abspath(path)).resolve()
        mode = 0o711 if account.switched else 0o700
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                with suppress(FileExistsError):  # another process is making the same home
                    folder.mkdir()
                    folder.chmod(mode)
        _check_open(path, account)
        if account.switched and path.stat().st_uid not in (0, account.uid):
            raise ConfigurationError(
                f"The data directory {path} belongs to another user",
                remedy="Run exora as that user, or name another data directory",
            )
        return cls(path)

    @classmethod
    def temporary(cls, base: Path, account: Account) -> tuple[Home, int]:
        """A fresh home in ``base`` and its lock; those that dead processes left there are removed.

        Raises:
            ConfigurationError: ``account`` cannot get there.
            OSError: it cannot be made.
        """
        base = Path(os.path.abspath(base)).resolve()
        _check_open(base, account)
        for leftover in base.glob(f"{_TEMPORARY}*"):
            with suppress(OSError):
                if leftover.lstat().st_uid == os.geteuid() and not leftover.is_symlink():
                    cls(leftover)._remove_if_abandoned()
        while True:
            home = cls(Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=base)))
            # Between the two calls another process may take it for a leftover: then make another.
            with suppress(FileNotFoundError):
                lock = home.try_lock()
                if lock is not None:
                    home.path.chmod(0o711 if account.switched else 0o700)
                    return home, lock

    def try_lock(self) -> int | None:
        """Take the home's lock.

        The lock is the open file's, not the process's. Handed to the server and closed here, it is held
        for exactly as long as any process of the server lives.

        Returns:
            The descriptor that holds the lock, or None when another holds it.

        Raises:
            OSError: the lock file cannot be opened.
        """
        path = self.path / "lock"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # A lock on a file that was removed meanwhile protects nothing.
                if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                    return descriptor
            except BlockingIOError:
                os.close(descriptor)
                return None
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def read_connection(self) -> Connection | None:
        """What the connection file says; None when it is missing or not whole.

        Raises:
            OSError: it cannot be read.
        """
        try:
            return Connection(**json.loads(self.connection_file.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write_connection(self, connection: Connection) -> None:
        """Replace the connection file at once, readable by the owner alone, and durably.

        Raises:
            OSError: it cannot be written.
        """
        descriptor, name = tempfile.mkstemp(prefix="connection.new-", dir=self.path)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(connection), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.connection_file)
        finally:
            Path(name).unlink(missing_ok=True)

    def open_log(self) -> int:
        """A descriptor that appends to the log. An old log over 10 MiB moves aside first.

        Raises:
            OSError: it cannot be opened.
        """
        if self.log.exists() and self.log.stat().st_size > _MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def fresh_socket_dir(self, account: Account, port: int) -> Path:
        """An empty 0700 directory for the server's socket, in the home or, if its path is too long, a short one.

        Raises:
            OSError: it cannot be made.
        """
        self.remove_sockets()
        path = self.path / "run"
        fits = len(os.fsencode(socket_path(path, port))) <= MAX_SOCKET_PATH_BYTES
        if fits and _PLAIN_PATH.fullmatch(str(path)):
            path.mkdir(mode=0o700)
        else:
            path = Path(tempfile.mkdtemp(prefix=_SHORT_SOCKETS, dir="/tmp"))
        account.take(path)
        return path

    def remove_sockets(self) -> None:
        """Remove the socket directory of the last start, wherever it was."""
        shutil.rmtree(self.path / "run", ignore_errors=True)
        connection = self.read_connection()
        if connection is not None and Path(connection.socket_dir).name.startswith(_SHORT_SOCKETS):
            shutil.rmtree(connection.socket_dir, ignore_errors=True)

    def remove(self) -> None:
        """Remove the home and everything in it, best effort."""
        self.remove_sockets()
        shutil.rmtree(self.path, ignore_errors=True)

    def _remove_if_abandoned(self) -> None:
        lock = self.try_lock()
        if lock is not None:
            self.remove()
            os.close(lock)


def _check_open(folder: Path, account: Account) -> None:
    closed = account.closed_directory(folder)
    if closed is not None:
        raise ConfigurationError(
            f"The account that runs PostgreSQL cannot enter {closed}, which is or holds the data directory",
            remedy="Name a data directory outside of it, e.g. in /var/lib, or run exora as an ordinary user",
        )
