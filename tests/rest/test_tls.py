"""TLS to PostgreSQL: Debian's server with a throw-away CA; what verify-full lets through and what not."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exora.app import migrate_schema, open_transport
from exora.dev.embedded import EmbeddedPostgres
from exora.doctor.check import Status
from exora.doctor.connection import check_connection
from tests.certificates import Authority
from tests.conftest import SERVERS
from tests.rest.pgbouncer import free_port

DEBIAN = next(binaries for name, binaries in SERVERS.items() if name != "embedded")


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
    authority, other = Authority(), Authority("Another CA")
    certificate, key = authority.issue("localhost")
    files = {"ca.pem": authority.pem, "other.pem": other.pem, "server.pem": certificate, "server.key": key}
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
