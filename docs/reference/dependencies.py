"""Writes dependencies.md from pyproject.toml, the lock, the packages' metadata and quality/supply/reviewed.toml."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from quality.supply.bill import needs
from quality.supply.licenses import license_of
from quality.supply.lock import direct, locked, reviewed

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Dependencies

What Exora installs, and why. Nothing under the GPL or AGPL is installed or linked; `make supply` holds that, and looks
for known vulnerabilities. Everything is installed by hash from `requirements/runtime.txt`. This page is made by
`make reference`.
"""


def reference() -> str:
    """The page."""
    packages = [package.name for package in locked() if package.here]
    asked, whys = direct(), reviewed()["why"]
    own = [name for name, extra in asked.items() if not extra]
    licenses = Counter(license_of(name) for name in packages)
    parts = [
        _HEAD,
        f"{len(own)} direct dependencies bring {len(packages)} packages on Linux with Python 3.11.\n",
        "| dependency | why | license | brings |\n| --- | --- | --- | --- |",
        *(f"| `{name}` | {whys[name]} | {license_of(name)} | {len(tree(name, packages)) - 1} |" for name in own),
        "\n## Extras, installed only when asked for\n",
        "| dependency | extra | why |\n| --- | --- | --- |",
        *(f"| `{name}` | `exora[{extra}]` | {whys[name]} |" for name, extra in asked.items() if extra),
        "\n## Licenses of all of them\n",
        "| license | packages |\n| --- | --- |",
        *(f"| {name} | {count} |" for name, count in sorted(licenses.items())),
    ]
    return "\n".join(parts) + "\n"


def tree(name: str, packages: list[str], seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """A package and all that it brings."""
    seen |= {name}
    for needed in sorted(needs(name) & set(packages)):
        if needed not in seen:
            seen = tree(needed, packages, seen)
    return seen


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
