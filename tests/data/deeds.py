"""What the tests make children of the pool do: the things native readers do to a process on hostile documents.

It stands here, apart from the tests, because a child has to import it by a name that pytest does not choose.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from exora.errors import EncryptedDocument

noted: list[str] = []


def pid() -> int:
    return os.getpid()


def echo(value: Any) -> Any:
    return value


def exit_at_once() -> None:
    os._exit(3)


def raise_signal(number: int) -> None:
    signal.raise_signal(number)


def spin() -> None:
    while True:
        pass


def burn(seconds: float) -> int:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def wait_forever() -> None:
    signal.pause()


def allocate(size: int) -> int:
    return len(bytearray(size))


def raise_typed() -> None:
    raise EncryptedDocument("locked", remedy="unlock it", field="storage_path")


def raise_untyped() -> None:
    raise ValueError("Jane Roe, MRN 4711")


def print_everywhere() -> str:
    print("noise", flush=True)
    os.write(1, b"\x00" * 100)
    return "answer"


def write_file(path: str) -> int:
    with open(path, "wb", buffering=0) as file:
        try:
            file.write(b"text of a patient")
        except OSError as error:
            return error.errno or 0
    return 0


def environment() -> list[str]:
    return sorted(os.environ)


def note(text: str) -> list[str]:
    noted.append(text)
    return noted


def place(content: bytes) -> tuple[int, int]:
    return id(content), len(content)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.getpid, ()


def hostile() -> Hostile:
    return Hostile()
