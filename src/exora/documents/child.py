"""The child process of the page pool: runs one call after another inside hard limits.

Started as ``python -m exora.documents.child ADDRESS_SPACE_BYTES PARENT_PID``. Requests arrive on
standard input and answers leave on what was standard output, both as frames: eight bytes of length,
big-endian, then the bytes. A request is one frame ``(function, arguments, cpu_s, document)``, with
the document's bytes in a second frame when ``document`` says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import math
import os
import pickle
import resource
import signal
import struct
import sys
import time
from collections.abc import Sequence
from enum import Enum
from typing import Any, BinaryIO, NamedTuple

from exora.errors import CorruptDocument, ExoraError, ProcessingLimit

LENGTH = struct.Struct(">Q")

#: An answer longer than this is refused on both sides: no page of text comes near it.
MAX_ANSWER_BYTES = 64 * 1024 * 1024

#: Behind everything that has a deadline: heartbeats and the event loop of the parent.
_NICENESS = 5

#: From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


class Document(Enum):
    """Where the first ``bytes`` argument of a call comes from."""

    NONE = "none"
    SENT = "sent"
    HELD = "held"


class Request(NamedTuple):
    """One call: a function by module and name, its arguments without the document, and its CPU seconds."""

    module: str
    function: str
    arguments: tuple[Any, ...]
    cpu_s: float
    document: Document
    document_index: int


class Answer(NamedTuple):
    """What a call gave: a value, or an error as (class name, message, remedy, field)."""

    value: Any
    error: tuple[str, str, str, str | None] | None
    rss_bytes: int


def main(arguments: Sequence[str]) -> None:
    """Serve calls until standard input ends.

    Args:
        arguments: the limit of the address space in bytes, and the parent's process id.
    """
    address_space_bytes, parent = (int(argument) for argument in arguments)
    requests, answers = _take_over_pipes()
    _confine(address_space_bytes)
    if os.getppid() != parent:
        return
    _write_frame(answers, b"")
    held: bytes | None = None
    while (frame := _read_frame(requests)) is not None:
        request: Request = pickle.loads(frame)  # noqa: S301 - written by our own parent
        if request.document is Document.SENT:
            held = None
            held = _read_frame(requests)
        _write_frame(answers, _answer(request, held))


def _take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two pipes for ourselves, so that nothing a C library reads or prints can touch the frames."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return requests, answers


def _confine(address_space_bytes: int) -> None:
    """Give up what a reader of hostile files must not have: files, core dumps, endless memory, orphanhood."""
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A signal to the whole group starts the parent's drain, during which pages are still read.
        signal.signal(name, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)


def _answer(request: Request, document: bytes | None) -> bytes:
    """Run one call and pack what came of it."""
    value: Any = None
    error: ExoraError | None = None
    try:
        _allow_cpu(request.cpu_s)
        arguments = list(request.arguments)
        if request.document is not Document.NONE:
            arguments.insert(request.document_index, document)
        function = getattr(importlib.import_module(request.module), request.function)
        value = function(*arguments)
        packed = pickle.dumps(Answer(value, None, _rss_bytes()), pickle.HIGHEST_PROTOCOL)
        if len(packed) <= MAX_ANSWER_BYTES:
            return packed
        error = ProcessingLimit("one page gave more text than any page can hold")
    except ExoraError as raised:
        error = raised
    except MemoryError:
        error = ProcessingLimit("the memory for one page ran out")
    except Exception as raised:
        # Only the class: messages of libraries may quote the document.
        error = CorruptDocument(f"the document could not be read ({type(raised).__name__})")
    described = (type(error).__name__, error.message, error.remedy, error.field)
    return pickle.dumps(Answer(None, described, _rss_bytes()), pickle.HIGHEST_PROTOCOL)


def _allow_cpu(seconds: float) -> None:
    """Raise the soft CPU limit to what was used so far plus ``seconds``; past it, SIGXCPU ends the process."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _rss_bytes() -> int:
    """Resident memory now; where the system does not tell, its peak."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _read_frame(pipe: BinaryIO) -> bytes | None:
    """The next frame, or None when the parent has closed the pipe or is gone."""
    length = pipe.read(LENGTH.size)
    if len(length) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(length)
    frame = pipe.read(size)
    return frame if len(frame) == size else None


def _write_frame(pipe: BinaryIO, frame: bytes) -> None:
    pipe.write(LENGTH.pack(len(frame)))
    pipe.write(frame)
    pipe.flush()


if __name__ == "__main__":
    # Under its real name, or the classes of a frame would differ from those of this module.
    importlib.import_module("exora.documents.child").main(sys.argv[1:])
