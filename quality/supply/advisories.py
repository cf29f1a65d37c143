"""Known vulnerabilities of what is locked, as pip-audit finds them in the OSV database, if that can be reached."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_PATIENCE_S = 60


class NotAsked(Exception):
    """The database could not be reached: nothing is known."""


class Advisory(NamedTuple):
    """One vulnerability of one package."""

    package: str
    version: str
    id: str
    mended_in: str


def command(lock: Path) -> list[str]:
    """How pip-audit is asked: about what is locked, without resolving anything anew."""
    return [
        *(sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--disable-pip", "--require-hashes"),
        *("--vulnerability-service", "osv", "--timeout", "5", "--format", "json", "--progress-spinner", "off"),
    ]


def ask(lock: Path) -> list[Advisory]:
    """What is known about the packages of a lock.

    Raises:
        NotAsked: the service did not answer.
    """
    try:
        ran = subprocess.run(command(lock), capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise NotAsked(f"no answer within {_PATIENCE_S} s") from None
    return read(ran.stdout, ran.stderr)


def read(out: str, err: str) -> list[Advisory]:
    """The advisories of an answer of pip-audit.

    Raises:
        NotAsked: it is none.
    """
    try:
        packages = json.loads(out)["dependencies"]
    except (ValueError, KeyError):
        last = err.strip().splitlines()[-1:] or ["no answer"]
        raise NotAsked(last[0][:200]) from None
    return [
        Advisory(package["name"], package["version"], known["id"], ", ".join(known["fix_versions"]) or "no version yet")
        for package in packages
        for known in package.get("vulns", ())
    ]
