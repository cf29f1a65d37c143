"""PostgreSQL's data directory: made whole or not at all, refused when of another major version."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

from exora.dev.embedded_binaries import Binaries
from exora.dev.embedded_home import Connection, Home
from exora.dev.embedded_process import DATABASE, USER, Account, cause_of_failure, spawn
from exora.errors import ConfigurationError, DatabaseUnavailable

#: Bytes of randomness in the generated password.
_PASSWORD_BYTES = 32
_UNFINISHED = "cluster.new-"
#: Enough of a log's end to hold why a server did not start.
_LOG_TAIL_BYTES = 16 * 1024


def check_version(home: Home, binaries: Binaries) -> None:
    """Refuse data that another major version of PostgreSQL wrote; do nothing where there are no data.

    Raises:
        ConfigurationError: the versions differ, or ``cluster`` is not a data directory.
    """
    if not home.cluster.is_dir() or not any(home.cluster.iterdir()):
        return
    try:
        found = (home.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise ConfigurationError(
            f"{home.cluster} holds files but is no PostgreSQL data directory",
            remedy="Move it away, or name another data directory",
        ) from None
    if found != str(binaries.major):
        raise ConfigurationError(
            f"The data in {home.cluster} are of PostgreSQL {found}, the server is {binaries.major}",
            remedy=f"Dump them with PostgreSQL {found} (pg_dumpall), move the directory away, "
            f"start exora once and restore the dump with psql",
        )


def prepare(home: Home, binaries: Binaries, account: Account, settings: dict[str, str], lock: int) -> str:
    """Make the cluster if there is none, and clear what a crash left. The lock must be held.

    Returns:
        The superuser's password.

    Raises:
        ConfigurationError: the data are of another version, another user, or their password is lost.
        DatabaseUnavailable: ``initdb`` failed.
        OSError: a directory cannot be made.
    """
    check_version(home, binaries)
    for leftover in home.path.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if not (home.cluster / "PG_VERSION").exists():
        return _create(home, binaries, account, durable=settings.get("fsync") != "off", lock=lock)
    if home.cluster.stat().st_uid != account.uid:
        raise ConfigurationError(
            f"The data in {home.cluster} belong to another user",
            remedy="Run exora as the user who made them, or name another data directory",
        )
    connection = home.read_connection()
    if connection is None:
        raise ConfigurationError(
            f"The password of the embedded database is gone: {home.connection_file} is missing or damaged",
            remedy="Restore the file from a backup, or name another data directory",
        )
    # We hold the lock, so no server runs here and this file is of a dead one. PostgreSQL itself would
    # believe it if its process id were in use again. Its shared memory check still guards the data.
    (home.cluster / "postmaster.pid").unlink(missing_ok=True)
    return connection.password


def _create(home: Home, binaries: Binaries, account: Account, *, durable: bool, lock: int) -> str:
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    # Before the data: data whose password nobody knows would be lost.
    home.write_connection(Connection(password, USER, DATABASE, socket_dir="", port=0))
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=home.path))
    try:
        account.take(unfinished)
        _initdb(unfinished, password, home, binaries, account, durable=durable, lock=lock)
        unfinished.rename(home.cluster)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if durable:
        _sync(home.path)
    return password


def _initdb(
    target: Path, password: str, home: Home, binaries: Binaries, account: Account, *, durable: bool, lock: int
) -> None:
    """Run initdb on an empty directory. The password travels through a pipe, never through a file."""
    start = log_size(home)
    output = home.open_log()
    reader, writer = os.pipe()
    try:
        os.write(writer, password.encode() + b"\n")
        # Opening /dev/fd/N checks the owner of the pipe.
        account.take(reader)
        options = ["--username", USER, f"--pwfile=/dev/fd/{reader}", "--auth=scram-sha-256", "--data-checksums"]
        options += ["--locale=C.UTF-8", "--encoding=UTF8", *([] if durable else ["--no-sync"])]
        argv = [binaries.program("initdb"), "--pgdata", str(target), *options]
        process = spawn(argv, account, output=output, keep=(reader, lock))
        os.close(writer)
        writer = -1
        try:
            failed = process.wait() != 0
        except BaseException:
            process.kill()
            process.wait()
            raise
    finally:
        for descriptor in (output, reader, writer):
            if descriptor >= 0:
                os.close(descriptor)
    if failed:
        raise start_failed(home, start)


def log_size(home: Home) -> int:
    """Bytes in the log so far: where the next attempt's lines begin."""
    return home.log.stat().st_size if home.log.exists() else 0


def start_failed(home: Home, start: int) -> DatabaseUnavailable:
    """The error for a server that did not come up, from what it logged since offset ``start`` (bytes)."""
    with home.log.open("rb") as log:
        log.seek(max(start, log_size(home) - _LOG_TAIL_BYTES))
        cause = cause_of_failure(log.read().decode(errors="replace"))
    return DatabaseUnavailable(
        f"The embedded PostgreSQL did not start ({cause})", remedy=f"See the end of its log: {home.log}"
    )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
