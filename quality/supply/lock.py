"""Reads what is locked, and what of it belongs on this machine."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "requirements" / "runtime.txt"
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock.

    Attributes:
        name: in canonical form.
        version: the one version.
        here: whether its environment marker holds on this machine.
        hashes: SHA-256 of each file that may be installed.
    """

    name: str
    version: str
    here: bool
    hashes: tuple[str, ...]


def locked(file: Path = RUNTIME) -> list[Locked]:
    """The packages of a lock, in order."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", file.read_text(encoding="utf-8").replace("\\\n", " "))
    found = []
    for entry in entries:
        asked = Requirement(entry.split("--hash=")[0].split("\n")[0].strip())
        [pin] = asked.specifier
        here = asked.marker is None or asked.marker.evaluate()
        found.append(Locked(canonicalize_name(asked.name), pin.version, here, tuple(_HASH.findall(entry))))
    return found


def direct() -> dict[str, str]:
    """What pyproject.toml asks for: canonical name → "" for every installation, else the extra it belongs to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [(line, "") for line in project["dependencies"]]
    asked += [(line, extra) for extra, lines in project["optional-dependencies"].items() for line in lines]
    return {canonicalize_name(Requirement(line).name): extra for line, extra in asked}


def reviewed() -> dict[str, dict[str, str]]:
    """What people decided: why each direct dependency is there, and licenses that had to be looked up."""
    found: dict[str, dict[str, str]] = tomllib.loads(
        Path(__file__).with_name("reviewed.toml").read_text(encoding="utf-8")
    )
    return found
