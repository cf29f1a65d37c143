"""``python -m quality.supply``: all checks, a line each; exit code 1 if one of them found something."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from quality.supply import advisories, bill, licenses, secrets
from quality.supply.lock import ROOT, RUNTIME, locked


def main() -> int:
    """Check, print, and write build/sbom.json."""
    packages = [package for package in locked() if package.here]
    files = secrets.tracked()
    bad = [
        report(
            "secrets",
            f"none in {len(files)} files",
            [f"{one.file}:{one.line}  {one.kind}  {one.digest}" for one in secrets.findings(secrets.scan(files))],
            "Take it out and revoke it; if it is none, list it in quality/supply/secrets-known.txt",
        ),
        report(
            "licenses",
            ", ".join(f"{count} {kind}" for kind, count in kinds([package.name for package in packages])),
            [
                f"{one.name}  {one.said or 'says nothing'}  {one.problem}"
                for one in licenses.findings(p.name for p in packages)
            ],
            "Do without it, or look its license up and note it in quality/supply/reviewed.toml",
        ),
        asked(),
    ]
    target = ROOT / "build" / "sbom.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(bill.bill(packages), encoding="utf-8")
    print(f"bill        {target.relative_to(ROOT)}: {len(packages)} packages")
    return int(any(bad))


def report(what: str, well: str, found: Sequence[str], remedy: str) -> bool:
    """Print how a check ended; True if it found something."""
    print(f"{what:<11} {'FOUND ' + str(len(found)) if found else well}")
    for line in found:
        print(f"  {line}")
    if found:
        print(f"  {remedy}")
    return bool(found)


def asked() -> bool:
    """Ask for known vulnerabilities; not being able to is no finding, but it is said."""
    try:
        found = advisories.ask(RUNTIME)
    except advisories.NotAsked as reason:
        print("advisories  ** NOT ASKED: nothing is known about vulnerabilities of what is locked **")
        print(f"  {reason}\n  Run `make supply` where there is a network, before a release.")
        return False
    lines = [f"{one.package} {one.version}  {one.id}  mended in: {one.mended_in}" for one in found]
    return report("advisories", "none known", lines, "Raise its version in pyproject.toml, then: make lock")


def kinds(names: Sequence[str]) -> list[tuple[str, int]]:
    """How often each license occurs."""
    return Counter(licenses.license_of(name) for name in names).most_common(6)


if __name__ == "__main__":
    sys.exit(main())
