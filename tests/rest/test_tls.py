"""TLS to PostgreSQL: Debian's server with a throw-away CA; what verify-full lets through and what not."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exora.app import migrate_schema, open_transport
from exora.dev.embedded import EmbeddedPostgres
from exora.doctor.check import Status
from exora.doctor.connection import check_connection
from tests.conftest import SERVERS
from tests.rest.pgbouncer import free_port

DEBIAN = next(binaries for name, binaries in SERVERS.items() if name != "embedded")


def certificate(
    name: str, signed_by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate of a host, or of an authority if nobody signs it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signer = (signed_by[0].subject, signed_by[1]) if signed_by else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(signer, hashes.SHA256()), key


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as a file holds it."""
    return certificate.public_bytes(serialization.Encoding.PEM)


@dataclass
class Secured:
    """A server with TLS for ``localhost``, and the files of two authorities, of which one signed its certificate."""

    dsn: str
    ca: Path
    other_ca: Path

    def url(self, host: str, query: str) -> str:
        """Its URL over TCP."""
        parts = urlsplit(self.dsn)
        port = parts.query.split("port=")[1].split("&")[0]
        return f"postgresql://{parts.username}:{parts.password}@{host}:{port}{parts.path}?{query}"


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """Debian's PostgreSQL: the embedded one has no TLS."""
    folder = Path(tempfile.mkdtemp(prefix="exora-tls-", dir="/tmp"))
    folder.chmod(0o755)
    authority, other = certificate("Throw-away CA"), certificate("Another CA")
    host, key = certificate("localhost", authority)
    files = {"ca.pem": pem(authority[0]), "other.pem": pem(other[0]), "server.pem": pem(host)}
    files["server.key"] = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "server.key").chmod(0o600)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for name in ("server.key", "server.pem"):
            os.chown(folder / name, nobody.pw_uid, nobody.pw_gid)
    settings = {
        "fsync": "off", "listen_addresses": "localhost", "port": str(free_port()), "ssl": "on",
        "ssl_cert_file": str(folder / "server.pem"), "ssl_key_file": str(folder / "server.key"),
    }  # fmt: skip
    try:
        with EmbeddedPostgres(ephemeral=True, binaries=DEBIAN, settings=settings) as server:
            yield Secured(server.dsn, folder / "ca.pem", folder / "other.pem")
    finally:
        shutil.rmtree(folder)


async def test_verify_full_with_the_right_authority_works_for_everything(secured: Secured) -> None:
    dsn = secured.url("localhost", f"sslmode=verify-full&sslrootcert={secured.ca}")
    await migrate_schema(dsn)
    transport = open_transport(dsn)
    try:
        checks = await check_connection(dsn, transport)
        [row] = await transport.call("whoami_v3", {}, repeatable=True)
    finally:
        await transport.close()
    assert [check for check in checks if check.status is not Status.OK] == []
    assert any(check.detail == "made, encrypted and verified" for check in checks)
    assert row["whoami_v3"] == "exora"


@pytest.mark.parametrize(
    ("host", "authority", "why"),
    [
        ("localhost", "other", "unable to get local issuer certificate|self-signed|self signed"),
        ("localhost", "system", "unable to get local issuer certificate|self-signed|self signed"),
        ("127.0.0.1", "right", "IP address mismatch|not valid for"),
    ],
)
async def test_another_authority_or_another_host_is_refused_with_the_reason(
    secured: Secured, host: str, authority: str, why: str
) -> None:
    file = {"other": str(secured.other_ca), "right": str(secured.ca), "system": "system"}[authority]
    dsn = secured.url(host, f"sslmode=verify-full&sslrootcert={file}")
    transport = open_transport(dsn)
    try:
        [_, reached] = await check_connection(dsn, transport)
    finally:
        await transport.close()
    assert (reached.name, reached.status) == ("connection", Status.FAILED)
    assert re.search(why, reached.detail), reached.detail
    assert "CA certificate" in reached.remedy
