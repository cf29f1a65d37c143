"""The bill of materials of what a deployment installs here, in CycloneDX 1.6: packages, hashes, licenses, needs."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import distribution, version

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from quality.supply.licenses import license_of
from quality.supply.lock import Locked, direct


def bill(packages: Sequence[Locked]) -> str:
    """The bill as JSON."""
    licenses = LicenseFactory()
    root = Component(
        name="exora",
        version=version("exora"),
        type=ComponentType.APPLICATION,
        bom_ref="exora",
        licenses=[licenses.make_from_string("Apache-2.0")],
    )
    made = {
        package.name: Component(
            name=package.name,
            version=package.version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{package.name}=={package.version}",
            purl=PackageURL("pypi", name=package.name, version=package.version),
            licenses=[licenses.make_from_string(license_of(package.name))],
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in package.hashes],
        )
        for package in packages
    }
    found = Bom(components=made.values())
    found.metadata.component = root
    found.register_dependency(root, [made[name] for name, extra in direct().items() if not extra and name in made])
    for name, component in made.items():
        found.register_dependency(component, [made[needed] for needed in needs(name) if needed in made])
    return make_outputter(found, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def needs(name: str) -> set[str]:
    """What an installed package asks for here, its extras left out."""
    asked = [Requirement(line) for line in distribution(name).requires or ()]
    return {canonicalize_name(one.name) for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})}
