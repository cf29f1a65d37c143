"""The license of each package that ships, as its own metadata says it; nothing under the GPL or AGPL may ship."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Literal, NamedTuple

from packaging.utils import canonicalize_name

from quality.supply.lock import reviewed

Verdict = Literal["allowed", "forbidden", "unknown"]
_FORBIDDEN = re.compile(r"(?<![A-Za-z])A?GPL|GNU (Affero )?General Public", re.IGNORECASE)
_ALLOWED = re.compile(
    r"(?<![A-Za-z])(MIT|MIT-CMU|HPND|Apache|BSD|0BSD|ISC|PSF|Python Software Foundation|MPL|Mozilla Public License|"
    r"Unlicense|Zlib|CC0|PostgreSQL|Public Domain|Historical Permission)(?![A-Za-z])",
    re.IGNORECASE,
)
#: Texts in a wheel that say what is linked into it.
_TEXTS = re.compile(r"\.dist-info/(licenses/.*|[^/]*(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*)$", re.IGNORECASE)
_GPL_TEXT = re.compile(r"GNU (AFFERO )?GENERAL PUBLIC LICENSE\s+Version", re.IGNORECASE)
_PREFIX = "License :: OSI Approved :: "


class Finding(NamedTuple):
    """A package whose license may not ship, or is not known."""

    name: str
    said: str
    problem: str


def said_license(package: Distribution) -> str:
    """What a package says its license is: an SPDX expression, else its classifiers, else its license field."""
    meta = package.metadata
    for expression in meta.get_all("License-Expression") or []:
        return str(expression)
    classifiers = [line.removeprefix(_PREFIX) for line in meta.get_all("Classifier") or [] if line.startswith(_PREFIX)]
    if classifiers:
        return " AND ".join(classifiers)
    lines = "\n".join(meta.get_all("License") or []).strip().splitlines()
    return lines[0] if lines else ""


def license_of(name: str) -> str:
    """A package's license: as reviewed, else as it says itself; "" when nobody knows."""
    known = reviewed()["licenses"].get(name)
    return known if known is not None else said_license(distribution(name))


def verdict(said: str) -> Verdict:
    """Whether a license may ship: one of its alternatives must, with all its parts."""
    parts = [[part.strip("() ") for part in way.split(" AND ")] for way in re.split(r" OR ", said)]
    if any(all(_ALLOWED.search(part) and not _FORBIDDEN.search(part) for part in way) for way in parts):
        return "allowed"
    return "forbidden" if _FORBIDDEN.search(said) else "unknown"


def carries_gpl(package: Distribution) -> bool:
    """Whether a wheel has the text of the GPL in it, as those do that link a library under it."""
    texts = [file for file in package.files or () if _TEXTS.search(str(file))]
    found = [Path(str(file.locate())) for file in texts]
    return any(_GPL_TEXT.search(file.read_bytes().decode("utf-8", "replace")) for file in found if file.is_file())


def findings(names: Iterable[str]) -> list[Finding]:
    """What may not ship, or must be looked up, among packages that are installed."""
    known = reviewed()
    found = []
    for name in names:
        said = license_of(name)
        judged = verdict(said)
        accepted = name in known["accepted"]
        if judged == "forbidden" or (judged == "unknown" and not accepted):
            found.append(Finding(name, said, f"its license is {judged}"))
        elif not accepted and carries_gpl(distribution(canonicalize_name(name))):
            found.append(Finding(name, said, "its wheel carries the text of the GPL: look what it links"))
    return found
