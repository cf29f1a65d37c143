"""What ships is known: licenses, reasons, the bill of materials, and no secret in the repository."""

from __future__ import annotations

import json
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from quality.supply import advisories, bill, licenses, secrets
from quality.supply.lock import direct, locked, reviewed


def test_the_lock_is_read_whole() -> None:
    packages = {package.name: package for package in locked()}
    assert set(direct()) - {name for name, extra in direct().items() if extra} <= set(packages)
    assert all(package.hashes for package in packages.values())
    assert packages["uvloop"].here
    assert len(packages) > 50


def test_every_direct_dependency_has_a_reason_and_no_other_has() -> None:
    assert set(reviewed()["why"]) == set(direct())


def test_everything_that_ships_may_ship() -> None:
    assert licenses.findings(package.name for package in locked() if package.here) == []


@pytest.mark.parametrize(
    ("said", "judged"),
    [
        ("MIT", "allowed"),
        ("BSD-3-Clause AND HPND", "allowed"),
        ("GPL-3.0-only OR MIT", "allowed"),
        ("Apache Software License", "allowed"),
        ("GPL-3.0-or-later", "forbidden"),
        ("MIT AND AGPL-3.0-only", "forbidden"),
        ("GNU Affero General Public License v3", "forbidden"),
        ("BSD License AND GNU General Public License (GPL)", "forbidden"),
        ("LGPL-3.0-or-later", "unknown"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "unknown"),
        ("Proprietary", "unknown"),
        ("", "unknown"),
    ],
)
def test_licenses_are_judged(said: str, judged: str) -> None:
    assert licenses.verdict(said) == judged


def test_a_wheel_that_links_under_the_gpl_is_noticed(tmp_path: Path) -> None:
    info = tmp_path / "x-1.dist-info"
    (info / "licenses").mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: x\nVersion: 1\nLicense-Expression: MIT\n")
    (info / "licenses" / "LICENSE").write_text("GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991")
    (info / "RECORD").write_text("x-1.dist-info/METADATA,,\nx-1.dist-info/licenses/LICENSE,,\n")
    package = Distribution.at(info)
    assert licenses.said_license(package) == "MIT"
    assert licenses.carries_gpl(package)


def test_the_bill_names_each_package_with_license_hashes_and_needs() -> None:
    packages = [package for package in locked() if package.here]
    found = json.loads(bill.bill(packages))
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    components = {component["name"]: component for component in found["components"]}
    assert set(components) == {package.name for package in packages}
    assert all(component["licenses"] and component["hashes"] and component["purl"] for component in components.values())
    needs = {one["ref"]: set(one.get("dependsOn", ())) for one in found["dependencies"]}
    assert f"asyncpg=={components['asyncpg']['version']}" in needs["exora"]
    assert any(name.startswith("uvicorn==") for name in needs["exora"])
    assert needs[f"httpx=={components['httpx']['version']}"]


def test_the_scan_for_secrets_finds_one(tmp_path: Path) -> None:
    # In parts, or this file would be one.
    keys = ["sb_secret_" + "N7UND0UgjKTVK" * 2, "AKIA" + "IOSFODNN7EXAMPLE", "-----BEGIN " + "PRIVATE KEY-----",
            "https://someone:" + "tr0ub4dor@example.com"]  # fmt: skip
    (tmp_path / "settings.py").write_text("\n".join(f"key = '{key}'" for key in keys))
    found = secrets.scan(["settings.py"], tmp_path)
    assert sorted(secret.line for secret in found) == [1, 2, 3, 4]
    assert secrets.findings(found) == found
    assert not any(key in str(found) for key in keys)


def test_nothing_in_the_repository_is_a_secret_and_every_exception_is_in_use() -> None:
    found = secrets.scan(secrets.tracked())
    assert secrets.findings(found) == []
    everywhere = {("*", secret.digest) for secret in found}
    assert secrets.known() <= everywhere | {(secret.file, secret.digest) for secret in found}


def test_an_advisory_is_a_finding_and_silence_is_said() -> None:
    answer = {"dependencies": [
        {"name": "a", "version": "1", "vulns": []},
        {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1", "3"]}]},
        {"name": "c", "skip_reason": "not found"},
    ]}  # fmt: skip
    assert advisories.read(json.dumps(answer), "") == [advisories.Advisory("b", "2", "PYSEC-1", "2.1, 3")]
    with pytest.raises(advisories.NotAsked, match="no route"):
        advisories.read("", "ERROR:pip_audit\nno route to host")
