"""A fixed pool of child processes for work that may crash, hang or eat memory, shared fairly."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pickle
import signal
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import is_dataclass
from enum import Enum
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from exora import errors
from exora.documents.child import LENGTH, MAX_ANSWER_BYTES, Answer, Document, Request
from exora.documents.machine import child_bytes, children
from exora.domain.document import DocumentLimits
from exora.errors import CorruptDocument, ExoraError, ProcessingLimit
from exora.observe.tracing import tracing

R = TypeVar("R")

#: Seconds a fresh child has to report for work; it takes about 0.2 s on an idle core.
_START_S = 60.0

#: Seconds between the end of a child's pipe and the end of its process.
_EXIT_S = 5.0

_LIMIT_SIGNALS = {
    signal.SIGXCPU: "its CPU seconds",
    signal.SIGKILL: "the memory of the machine",
    # Native libraries end themselves this way when an allocation fails.
    signal.SIGABRT: "its memory",
    signal.SIGTRAP: "its memory",
    signal.SIGILL: "its memory",
}
_OUTSIDE_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


class _Call:
    """One call waiting or running; ``child`` is set while it runs."""

    def __init__(self, request: Request, document: bytes | None, key: Hashable, wall_s: float) -> None:
        self.request = request
        self.document = document
        self.key = key
        self.wall_s = wall_s
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.child: _Child | None = None

    def settle(self, outcome: Any) -> None:
        """Hand over a value or raise an error at the caller, unless the caller has left."""
        if self.answer.done():
            return
        if isinstance(outcome, ExoraError):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class _FairQueue:
    """Calls by key: the keys take turns, calls of one key leave in the order they came."""

    def __init__(self) -> None:
        self._turns: OrderedDict[Hashable, deque[_Call]] = OrderedDict()
        self._filled = asyncio.Event()

    def put(self, call: _Call) -> None:
        self._turns.setdefault(call.key, deque()).append(call)
        self._filled.set()

    def discard(self, call: _Call) -> None:
        waiting = self._turns.get(call.key)
        if waiting is not None and call in waiting:
            waiting.remove(call)
            if not waiting:
                del self._turns[call.key]

    async def get(self) -> _Call:
        while not self._turns:
            self._filled.clear()
            await self._filled.wait()
        key, waiting = self._turns.popitem(last=False)
        call = waiting.popleft()
        if waiting:
            self._turns[key] = waiting
        return call


class _Values(pickle.Unpickler):
    """Builds only Exora's own values, so that a child taken over by a hostile file cannot run code here."""

    def find_class(self, module: str, name: str) -> Any:
        value = getattr(sys.modules.get(module), name, None) if module.startswith("exora.") else None
        if isinstance(value, type) and (is_dataclass(value) or issubclass(value, (Enum, tuple))):
            return value
        raise pickle.UnpicklingError("a child answered with something that is no value of Exora")


class _Outcome(NamedTuple):
    """What a call gave, and whether its child can be used again."""

    value: Any
    reusable: bool


class _Child:
    """One child process and the document it holds."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._document: bytes | None = None
        self.calls = 0
        self.rss_bytes = 0

    @classmethod
    async def start(cls, address_space_bytes: int) -> _Child:
        """Start a child and wait until it reports for work."""
        # The child gets no variable of ours: keys and passwords have no business near hostile files.
        environment = {
            "OMP_THREAD_LIMIT": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        }
        try:
            process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-s",
                    "-P",
                    "-m",
                    "exora.documents.child",
                    str(address_space_bytes),
                    str(os.getpid()),
                ),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # Libraries print parts of what they read.
                stderr=asyncio.subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise ExoraError(f"no process for reading pages could be started (errno {error.errno})") from None
        child = cls(process)
        try:
            async with asyncio.timeout(_START_S):
                await child._read_frame()
        except (TimeoutError, EOFError, OSError):
            await child.end()
            raise ExoraError(
                "a process for reading pages ended before it was ready",
                remedy="Check that the machine has memory left and that exora is installed completely",
            ) from None
        except asyncio.CancelledError:
            await child.end()
            raise
        return child

    async def perform(self, call: _Call) -> _Outcome:
        """Run one call to its end, whatever end that is."""
        self.calls += 1
        try:
            async with asyncio.timeout(call.wall_s):
                await self._send(call)
                frame = await self._read_frame()
            answer = _Values(io.BytesIO(frame)).load()
            if not isinstance(answer, Answer):
                raise pickle.UnpicklingError("a child answered with something that is no answer")
            self.rss_bytes = answer.rss_bytes
        except TimeoutError:
            return _Outcome(ProcessingLimit(f"one page took longer than {call.wall_s:g} seconds"), reusable=False)
        except (EOFError, OSError):
            return _Outcome(_explain_end(await self._ended()), reusable=False)
        except Exception:
            # The child sent something that is not an answer: it is not ours any more.
            return _Outcome(CorruptDocument("the document made its reader answer nonsense"), reusable=False)
        return _Outcome(answer.value if answer.error is None else _typed_error(*answer.error), reusable=True)

    async def _send(self, call: _Call) -> None:
        request = call.request
        frames = []
        if call.document is not None:
            held = call.document is self._document
            request = request._replace(document=Document.HELD if held else Document.SENT)
            if not held:
                frames.append(call.document)
                self._document = call.document
        frames.insert(0, pickle.dumps(request, pickle.HIGHEST_PROTOCOL))
        pipe = self._process.stdin
        assert pipe is not None
        for frame in frames:
            pipe.write(LENGTH.pack(len(frame)))
            pipe.write(frame)
        await pipe.drain()

    async def _read_frame(self) -> bytes:
        pipe = self._process.stdout
        assert pipe is not None
        (size,) = LENGTH.unpack(await pipe.readexactly(LENGTH.size))
        if size > MAX_ANSWER_BYTES:
            raise ValueError("the answer is longer than any page")
        return await pipe.readexactly(size)

    async def _ended(self) -> int:
        """Exit code of a process that has closed its pipe; killing it right away could hide why it ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_EXIT_S):
                return await self._process.wait()
        return await self.end()

    def kill(self) -> None:
        """End the process now; ``end`` then collects it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def end(self) -> int:
        """Kill the process if it still runs and return its exit code, negative for a signal."""
        self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        return await asyncio.shield(self._process.wait())


def _explain_end(code: int) -> ExoraError:
    """The error for a call whose child ended in the middle of it."""
    if code >= 0:
        return CorruptDocument("the document ended the process that read it")
    ended_by = signal.Signals(-code)
    if ended_by in _OUTSIDE_SIGNALS:
        return ExoraError("the process that read the document was stopped from outside")
    if ended_by in _LIMIT_SIGNALS:
        return ProcessingLimit(f"one page used up {_LIMIT_SIGNALS[ended_by]}")
    return CorruptDocument(f"the document crashed the process that read it ({ended_by.name})")


def _typed_error(name: str, message: str, remedy: str, field: str | None) -> ExoraError:
    """The error a child described; a class that needs more than that to be built becomes the base class."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, ExoraError) and kind.__init__ is ExoraError.__init__:
        return kind(message, remedy=remedy, field=field)
    return ExoraError(message, remedy=remedy, field=field)


class ChildPool:
    """A fixed number of child processes that run module-level functions of Exora one call at a time.

    Children start when first needed and are replaced after a crash, a limit, ``calls_per_child``
    calls, or when their resident memory has grown past ``max_rss_bytes``.

    Args:
        size: number of processes; None for one per CPU, as far as memory goes.
        address_space_bytes: the most each child may map.
        calls_per_child: calls after which a child is replaced, against slow leaks of native libraries.
        max_rss_bytes: resident memory after a call above which a child is replaced; None for what the machine has room
            for, at most 512 MB.
        allowed_modules: modules outside ``exora`` whose functions may be run.
    """

    def __init__(
        self,
        size: int | None = None,
        *,
        address_space_bytes: int = DocumentLimits().address_space_bytes,
        calls_per_child: int = 200,
        max_rss_bytes: int | None = None,
        allowed_modules: Iterable[str] = (),
    ) -> None:
        self.size = size or children()
        self._address_space_bytes = address_space_bytes
        self._calls_per_child = calls_per_child
        self._max_rss_bytes = max_rss_bytes or child_bytes(self.size)
        self._allowed_modules = frozenset(allowed_modules)
        self._queue = _FairQueue()
        self._open: set[_Call] = set()
        self._servers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Take calls from now on; a second start does nothing."""
        if not self._servers:
            self._servers = [asyncio.create_task(self._serve()) for _ in range(self.size)]

    async def close(self) -> None:
        """Kill the children at once; calls still open raise ``ExoraError``."""
        for call in self._open:
            call.settle(ExoraError("the processes for reading pages were stopped"))
        servers, self._servers = self._servers, []
        for server in servers:
            server.cancel()
        await asyncio.gather(*servers, return_exceptions=True)

    async def run(self, function: Callable[..., R], *args: Any, key: Hashable, cpu_s: float, wall_s: float) -> R:
        """Run ``function(*args)`` in a child and return its result.

        Keys take turns, so many calls under one key do not hold up a single call under another.
        Cancelling the caller drops the call, or kills the child that runs it. The first ``bytes``
        argument is sent to a child once for any number of calls in a row with that same object.

        Args:
            function: a module-level function of an ``exora`` module.
            args: its arguments; they and the result must be picklable, and the result be made of
                built-in values and Exora's own value classes.
            key: whose turn the call uses, e.g. the id of the document.
            cpu_s: CPU seconds the call may use, rounded up to the next whole second of the child.
            wall_s: wall-clock seconds the call may take, not counting the wait for its turn.

        Raises:
            DocumentError: what the function raised; ``CorruptDocument`` when it raised anything
                untyped or crashed its process; ``ProcessingLimit`` past a limit.
            ExoraError: the pool is not open, or the machine cannot start a process.
        """
        if not self._servers:
            raise ExoraError("the processes for reading pages are not started")
        call = _Call(*self._request(function, args, cpu_s), key, wall_s)
        self._open.add(call)
        self._queue.put(call)
        try:
            with tracing.span("child", function=function.__name__):
                result: R = await call.answer
            return result
        finally:
            self._open.discard(call)
            self._queue.discard(call)
            if call.answer.cancelled() and call.child is not None:
                call.child.kill()

    def _request(
        self, function: Callable[..., Any], args: tuple[Any, ...], cpu_s: float
    ) -> tuple[Request, bytes | None]:
        module, name = function.__module__, function.__qualname__
        if not (module.startswith("exora.") or module in self._allowed_modules):
            raise ValueError(f"functions of {module} may not run in the pool")
        if getattr(sys.modules.get(module), name, None) is not function:
            raise ValueError(f"{module}.{name} is not a module-level function")
        at = next((index for index, value in enumerate(args) if isinstance(value, bytes)), None)
        if at is None:
            return Request(module, name, args, cpu_s, Document.NONE, 0), None
        return Request(module, name, args[:at] + args[at + 1 :], cpu_s, Document.SENT, at), args[at]

    async def _serve(self) -> None:
        """One seat of the pool: a child and the calls it runs, one after another."""
        child: _Child | None = None
        try:
            while True:
                call = await self._queue.get()
                try:
                    child = child or await _Child.start(self._address_space_bytes)
                except ExoraError as error:
                    call.settle(error)
                    continue
                if call.answer.done():
                    continue
                call.child = child
                outcome = await child.perform(call)
                call.child = None
                call.settle(outcome.value)
                if not (outcome.reusable and self._is_fresh(child)):
                    await child.end()
                    child = None
        finally:
            if child is not None:
                await child.end()

    def _is_fresh(self, child: _Child) -> bool:
        return child.calls < self._calls_per_child and child.rss_bytes <= self._max_rss_bytes
