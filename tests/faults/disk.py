"""A small disk that can be filled: a tmpfs where we may mount one, else a folder that PostgreSQL is told is full."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exora.dev.embedded import Binaries

from .preload import compiled


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk mounted at ``path``.

    Attributes:
        binaries: the PostgreSQL that sees it; None = any.
    """

    path: Path
    binaries: Binaries | None = None

    def folder(self, name: str) -> Path:
        """A folder on it that the server's account owns."""
        path = self.path / name
        path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        return path

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is free for the length of the block."""
        ballast = self.path / "ballast"
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1) if self.binaries is None else ():
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)
        try:
            yield
        finally:
            ballast.unlink()


@contextlib.contextmanager
def small_disk(path: Path, mebibytes: int) -> Iterator[Disk]:
    """A disk for the length of the block."""
    path.mkdir(mode=0o751)
    path.chmod(0o751)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=751", "tmpfs", str(path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode == 0:
        try:
            yield Disk(path)
        finally:
            subprocess.run(["umount", "--lazy", str(path)], check=True)
    else:
        print("no right to mount a tmpfs: the disk is played by tests/faults/full_disk.c")
        yield Disk(path, _told(path))


def _told(path: Path) -> Binaries:
    """PostgreSQL's programs behind a library that says that the disk is full while there is a file ``ballast``."""
    real, folder = Binaries.of_wheel(), path.parent / "told"
    folder.mkdir()
    library = compiled("full_disk")
    for name in ("postgres", "initdb"):
        script = folder / name
        script.write_text(f'#!/bin/sh\nFULL_DISK={path} LD_PRELOAD={library} exec {real.program(name)} "$@"\n')
        script.chmod(0o755)
    return Binaries.at(folder)
