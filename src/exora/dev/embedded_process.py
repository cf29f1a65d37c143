"""The processes of an embedded server: the account they run as, how they start, answer and end."""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import signal
import socket
import struct
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from exora.errors import ConfigurationError

#: Name of the superuser and of the database every Exora process uses.
USER = "exora"
DATABASE = "postgres"

#: Option of prctl(2): the signal a process gets when the thread that made it ends.
_PR_SET_PDEATHSIG = 1
#: Version 3.0 of the frontend/backend protocol (PostgreSQL documentation, "Message Formats").
_PROTOCOL_3 = 196608
_TOO_MANY_CONNECTIONS = b"C53300\0"
#: Fast shutdown, then immediate, then the kernel's. Seconds to wait for each.
_SHUTDOWN_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 15.0), (signal.SIGKILL, 15.0))

#: What a server's log says → what it means. The first that matches anywhere wins.
_CAUSES = (
    (r"No space left on device|Disk quota exceeded", "disk full"),
    (r"already in use|could not bind|could not create any Unix-domain|lock file .* already exists", "socket in use"),
    (r"pre-existing shared memory block", "another server uses the data"),
    (r"Permission denied|Operation not permitted|wrong ownership|invalid permissions", "permission"),
    (r"Read-only file system", "read-only file system"),
    (r"Cannot allocate memory|out of memory|could not (map|resize) .*shared memory", "out of memory"),
    (r"unrecognized configuration parameter|invalid value for parameter|outside the valid range", "invalid setting"),
    (r"could not look up effective user ID", "the user has no entry in /etc/passwd"),
    (r"invalid locale name", "locale C.UTF-8 is not installed"),
    (r"incompatible with server", "other version of PostgreSQL"),
    (r"PANIC|checkpoint record|pg_control|corrupted|invalid page", "damaged data"),
    (r"error while loading shared libraries|could not load library", "missing library"),
)


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as.

    Attributes:
        uid, gid: of the account.
        switched: True when we are root and the account is another: PostgreSQL refuses to run as root.
    """

    uid: int
    gid: int
    switched: bool

    @classmethod
    def for_server(cls) -> Account:
        """The current user; "nobody" for root.

        Raises:
            ConfigurationError: we are root and there is no account "nobody".
        """
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid(), switched=False)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise ConfigurationError(
                "PostgreSQL does not run as root and this system has no account 'nobody'",
                remedy="Run exora as an ordinary user, or set DATABASE_URL",
            ) from None
        return cls(nobody.pw_uid, nobody.pw_gid, switched=True)

    def may(self, bits: int, path: Path) -> bool:
        """Whether the mode of ``path`` grants ``bits`` (4 read, 1 enter or execute) to a switched account.

        Judged by owner, group and mode, as the account would be; access lists are not looked at.
        An account that is our own is never judged here: its system calls say so themselves.
        """
        if not self.switched:
            return True
        status = path.stat()
        if status.st_uid == self.uid:
            granted = status.st_mode >> 6
        elif status.st_gid == self.gid:
            granted = status.st_mode >> 3
        else:
            granted = status.st_mode
        return granted & bits == bits

    def closed_directory(self, path: Path) -> Path | None:
        """The first directory on the way to and including ``path`` that the account cannot enter, if any."""
        return next((folder for folder in (*reversed(path.parents), path) if not self.may(1, folder)), None)

    def take(self, path: Path | int) -> None:
        """Give a file, directory or descriptor that we made to the account."""
        if self.switched:
            os.chown(path, self.uid, self.gid)


def spawn(argv: Sequence[str], account: Account, *, output: int, keep: Iterable[int]) -> subprocess.Popen[bytes]:
    """Start a direct child that gets SIGINT (PostgreSQL's fast shutdown) when this process dies, however it dies.

    Must be called from the main thread: the kernel watches the calling thread, not the process.
    The child gets a session of its own, so Ctrl-C in the terminal reaches it only through us, and an
    environment of its own, so no PG* variable changes what it does.

    Args:
        argv: program and arguments; the program as an absolute path.
        account: whom it runs as.
        output: descriptor for its standard output and error.
        keep: descriptors it inherits.

    Raises:
        OSError: it cannot be executed, or we may not become ``account``.
    """
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=tuple(keep),
        cwd="/",
        env={"LC_ALL": "C", "PATH": os.defpath},
        user=account.uid if account.switched else None,
        group=account.gid if account.switched else None,
        extra_groups=[] if account.switched else None,
        umask=0o077,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid()),
    )


def _die_with(parent: int) -> Callable[[], None]:
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def arm() -> None:
        failed = prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        # The parent may have died between fork and prctl; then no signal will ever come.
        if failed or os.getppid() != parent:
            os._exit(1)

    return arm


def socket_path(socket_dir: Path, port: int) -> Path:
    """The socket that a server makes in ``socket_dir``; its port is no more than a part of the name."""
    return socket_dir / f".s.PGSQL.{port}"


def answers(path: Path, timeout_s: float = 2.0) -> bool:
    """Whether a server accepts connections at this socket: it asks for a password, or has all connections in use.

    A server that is starting, recovering or shutting down answers too, but with an error.
    """
    startup = struct.pack("!i", _PROTOCOL_3) + f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout_s)
            client.connect(str(path))
            client.sendall(struct.pack("!i", len(startup) + 4) + startup)
            reply = client.recv(1024)
    except OSError:
        return False
    return reply[:1] == b"R" or (reply[:1] == b"E" and _TOO_MANY_CONNECTIONS in reply)


def shut_down(process: subprocess.Popen[bytes]) -> None:
    """End a server, gently first, and return when it is gone. Does nothing when it already is.

    Raises:
        subprocess.TimeoutExpired: it survived even SIGKILL (a hung disk).
    """
    for step, (signal_number, wait_s) in enumerate(_SHUTDOWN_STEPS, start=1):
        process.send_signal(signal_number)
        try:
            process.wait(wait_s)
        except subprocess.TimeoutExpired:
            if step == len(_SHUTDOWN_STEPS):
                raise
        else:
            return


def cause_of_failure(log: str) -> str:
    """The class of error that the last lines of a log tell of; never the lines themselves."""
    return next((cause for pattern, cause in _CAUSES if re.search(pattern, log)), "cause unknown")
