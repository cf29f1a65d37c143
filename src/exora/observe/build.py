"""Which software this is: the version, the commit, and what it was installed with."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass

from exora.version import __version__

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Build:
    """An artifact: two processes of one build run the same code with the same packages.

    Attributes:
        version: of Exora.
        commit: the first 12 digits of the commit it was built from; empty when nobody said.
        lock: the first 12 digits of a SHA-256 over the names and versions of the installed packages.
    """

    version: str
    commit: str
    lock: str

    def __str__(self) -> str:
        """``1.2.3+COMMIT.LOCK``, as PEP 440 writes a local version; no commit: ``1.2.3+LOCK``."""
        return f"{self.version}+{'.'.join(part for part in (self.commit, self.lock) if part)}"


def version_and_commit(build: str) -> tuple[str, str]:
    """The version and the commit, empty when unknown, of a build as ``Build`` writes it."""
    version, _, local = build.partition("+")
    commit, dot, _ = local.partition(".")
    return version, commit if dot else ""


def this_build(commit: str | None) -> Build:
    """The build of this process.

    Args:
        commit: what the environment says it was built from; None = unknown.
    """
    return Build(__version__, (commit or "")[:_SHOWN].lower(), _installed()[:_SHOWN])


def _installed() -> str:
    """Packages by their metadata directories' names: reading the files themselves would cost a worker its start."""
    found = {
        entry.name.removesuffix(".dist-info").lower()
        for folder in sys.path
        if os.path.isdir(folder)
        for entry in os.scandir(folder)
        if entry.name.endswith(".dist-info")
    }
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
