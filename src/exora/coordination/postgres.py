"""The direct transport: asyncpg to PostgreSQL, safe behind a transaction-mode pooler."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

import asyncpg
import structlog

from exora.coordination.failures import from_sqlstate
from exora.coordination.json_codec import decode, encode
from exora.domain.retrying import retrying
from exora.errors import ConfigurationError, DatabaseUnavailable, OutcomeUnknown

CHANNEL = "exora_jobs"
_SUPAVISOR_TRANSACTION_PORT = 6543
_log = structlog.get_logger("exora.coordination")

T = TypeVar("T")


class PostgresTransport:
    """A few connections; every call is one statement, hence one transaction.

    Not the driver's pool: that guards against sessions left in a state, which no call of ours does, and its share of a
    short call was three times the driver's own.

    Args:
        dsn: a PostgreSQL URL.
        max_connections: for calls, opened as they are needed; one more is opened for listening.
        command_timeout_s: for one call; below the 8 s at which Supabase cuts a statement off.
    """

    def __init__(self, dsn: str, *, max_connections: int = 4, command_timeout_s: float = 7.5) -> None:
        self._dsn = dsn
        self._command_timeout_s = command_timeout_s
        self._idle: list[asyncpg.Connection] = []
        self._busy: set[asyncpg.Connection] = set()
        self._turn = asyncio.Semaphore(max_connections)
        self._listener: asyncpg.Connection | None = None
        self._pooled = urlsplit(dsn).port == _SUPAVISOR_TRANSACTION_PORT

    async def call(
        self, function: str, arguments: Mapping[str, Any], *, repeatable: bool
    ) -> Sequence[Mapping[str, Any]]:
        """See ``Transport.call``."""
        return await self.fetch(
            _statement("public", function, tuple(arguments)), *arguments.values(), repeatable=repeatable
        )

    async def fetch(self, statement: str, *values: Any, repeatable: bool) -> Sequence[Mapping[str, Any]]:
        """Run one statement; errors as ``Transport.call``."""

        async def run() -> Sequence[Mapping[str, Any]]:
            connection = await self._take()
            try:
                # Records are read by name as mappings are, and cost less than dicts.
                return cast("Sequence[Mapping[str, Any]]", await connection.fetch(statement, *values))
            except TimeoutError:
                # Asking the server to cancel would wait once more on a connection that answers nothing; and what
                # lies idle went the same way, unnoticed.
                for silent in (connection, *self._idle):
                    silent.terminate()
                raise
            except asyncio.CancelledError:
                connection.terminate()
                raise
            finally:
                self._give(connection)

        return await (retrying(lambda: translated(run)) if repeatable else translated(run))

    async def listen(self, on_wake: Callable[[], None], on_lost: Callable[[], None]) -> None:
        """See ``Transport.listen``. Proves by a notification to itself that they arrive: behind a
        transaction-mode pooler LISTEN succeeds and nothing ever comes."""
        connection = await translated(lambda: connect(self._dsn))
        if not await _own_backend(connection):
            await connection.close()
            raise DatabaseUnavailable(
                "notifications do not arrive through a transaction-mode pooler",
                remedy="Polling goes on; for lower latency use a direct or session-mode URL",
            )
        heard = asyncio.Event()

        def wake(*_: object) -> None:
            heard.set()
            on_wake()

        try:
            await connection.add_listener(CHANNEL, wake)
            await connection.execute(f"notify {CHANNEL}")
            async with asyncio.timeout(2):
                await heard.wait()
        except (TimeoutError, asyncpg.PostgresError, OSError) as error:
            await connection.close()
            raise DatabaseUnavailable(
                "notifications do not arrive on this connection",
                remedy="Polling goes on; for lower latency use a direct or session-mode URL",
            ) from error
        connection.add_termination_listener(lambda _: on_lost())
        self._listener = connection

    async def close(self) -> None:
        """Close every connection; a call after it opens new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.terminate()  # a polite goodbye would wait for ever on a half-open connection
        idle, self._idle = self._idle, []
        for connection in self._busy:
            connection.terminate()
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(5):
                await asyncio.gather(*(connection.close() for connection in idle))
        for connection in idle:
            connection.terminate()  # does nothing to those that said goodbye

    async def _take(self) -> asyncpg.Connection:
        """A connection for one call; the one used last is taken first: its plans and buffers are warm."""
        if self._turn.locked():
            async with asyncio.timeout(self._command_timeout_s):
                await self._turn.acquire()
        else:
            await self._turn.acquire()  # does not wait
        try:
            connection = None
            while self._idle and (connection is None or connection.is_closed()):
                connection = self._idle.pop()
            if connection is None or connection.is_closed():
                connection = await self._opened()
        except BaseException:
            self._turn.release()
            raise
        self._busy.add(connection)
        return connection

    def _give(self, connection: asyncpg.Connection) -> None:
        self._busy.discard(connection)
        if not connection.is_closed():
            self._idle.append(connection)
        self._turn.release()

    async def _opened(self) -> asyncpg.Connection:
        times = {"timeout": self._command_timeout_s, "command_timeout": self._command_timeout_s}
        connection = await _connected(self._dsn, pooled=self._pooled, **times)
        try:
            if not self._pooled and not await _own_backend(connection):
                self._pooled = True
                _log.warning("transaction_pooler")
                connection.terminate()
                connection = await _connected(self._dsn, pooled=True, **times)
            # In the binary format: as text, an array of JSON would be quoted once more here and parsed twice there.
            await connection.set_type_codec(
                "jsonb", encoder=_to_jsonb, decoder=_from_jsonb, schema="pg_catalog", format="binary"
            )
        except BaseException:  # a call that is given up meanwhile leaves no connection behind
            connection.terminate()
            raise
        return connection


async def connect(dsn: str) -> asyncpg.Connection:
    """One plain connection, for migrating and listening.

    Raises:
        DatabaseUnavailable, ConfigurationError: as every call.
    """
    # Without named statements: it may be a transaction-mode pooler, and there is nothing to run twice.
    return await translated(lambda: _connected(dsn, pooled=True, timeout=10.0))


async def behind_pooler(dsn: str) -> bool:
    """Whether a transaction-mode pooler is at this address: everything works through it, but no wake-up arrives.

    Raises:
        DatabaseUnavailable, ConfigurationError: as every call.
    """
    connection = await connect(dsn)
    try:
        return not await translated(lambda: _own_backend(connection))
    finally:
        await connection.close()


async def _connected(dsn: str, *, pooled: bool, **times: float) -> asyncpg.Connection:
    """A connection of the driver.

    Args:
        dsn: where to.
        pooled: no named prepared statements: behind a transaction-mode pooler the names of all clients lie on the same
            few connections, and one would run the statement of another.
        times: ``timeout`` to connect and ``command_timeout``, in seconds.
    """
    options: dict[str, Any] = {"server_settings": {"application_name": "exora"}, **times}
    if pooled:
        options["statement_cache_size"] = 0
    options |= _trust(dsn)
    connection: asyncpg.Connection = await asyncpg.connect(dsn, **options)
    if pooled:
        # Before it looks up array types the driver turns jit off for its session, and afterwards on again: behind a
        # pooler those are two sessions, of which one stays changed for whoever comes next.
        connection._server_caps = connection._server_caps._replace(jit=False)  # type: ignore[attr-defined]
    return connection


def _trust(dsn: str) -> dict[str, ssl.SSLContext]:
    """What the driver must be told of whom to trust beside the URL: ``system``, libpq's word for the system's own
    certificates, it does not know, and of a file that is not there it says no more than that one is not."""
    authority = parse_qs(urlsplit(dsn).query).get("sslrootcert", [""])[-1]
    if authority == "system":
        return {"ssl": ssl.create_default_context()}
    if authority and not Path(authority).is_file():
        raise _no_authority()
    return {}


def _no_authority() -> ConfigurationError:
    return ConfigurationError(
        "DATABASE_URL asks for a server that is verified, and there is no file of the certificate to verify it with",
        field="DATABASE_URL",
        remedy="Add &sslrootcert=FILE with the provider's CA certificate (on Supabase: Database → Settings → SSL),"
        " or sslrootcert=system for a public one",
    )


async def _own_backend(connection: asyncpg.Connection) -> bool:
    """Whether a server process of its own is behind a connection. A pooler makes up the process id it tells clients.
    Asked by the simple protocol, which prepares nothing."""
    told = connection.get_server_pid()
    try:
        await connection.execute(
            f"do $$ begin if pg_catalog.pg_backend_pid() <> {int(told)} then raise sqlstate 'EX005'; end if; end $$"
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == "EX005":
            return False
        raise
    return True


def _to_jsonb(value: Any) -> bytes:
    return b"\x01" + encode(value)  # 1 is the version of the format


def _from_jsonb(value: bytes) -> Any:
    return decode(value[1:])


@lru_cache(maxsize=256)
def _statement(schema: str, function: str, names: tuple[str, ...]) -> str:
    arguments = ", ".join(f"{name} => ${position}" for position, name in enumerate(names, start=1))
    return f"select * from {schema}.{function}({arguments})"  # noqa: S608  both come from our code, never from data


async def translated(run: Callable[[], Awaitable[T]]) -> T:
    """Run a call and turn the driver's errors into ours; none keeps the server's text, which may quote a row."""
    try:
        return await run()
    except asyncpg.exceptions.DataError as error:  # the driver's own, too, which has no SQLSTATE
        raise from_sqlstate("22000", "", None, None) from error
    except asyncpg.PostgresError as error:
        raise from_sqlstate(error.sqlstate or "", error.message, error.detail, error.hint) from error
    except asyncpg.exceptions.ClientConfigurationError as error:
        if "root certificate" in str(error):
            raise _no_authority() from error
        raise ConfigurationError(
            "DATABASE_URL is not a PostgreSQL URL",
            field="DATABASE_URL",
            remedy="Use postgresql://user:password@host:5432/database",
        ) from error
    except (TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise OutcomeUnknown("the connection to the database broke during a call") from error
    except OSError as error:
        raise DatabaseUnavailable(f"the database cannot be reached ({type(error).__name__})") from error
