"""A throw-away authority: certificates for servers on loopback, so that tests go over TLS as production does."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates that are good for an hour; its key is never written.

    Args:
        name: its common name.
    """

    def __init__(self, name: str = "Throw-away CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _subject(name)
        self._certificate = (
            self._builder(self._subject, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """Its own certificate: what clients are told to trust."""
        return _pem(self._certificate)

    def issue(self, *hosts: str) -> tuple[bytes, bytes]:
        """The certificate and the key, both in PEM, of a server with these names or addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_name(host) for host in hosts])
        certificate = (
            self._builder(_subject(hosts[0]), key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _pem(certificate), key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def server(self, folder: Path, *hosts: str) -> ssl.SSLContext:
        """The TLS of a server with these names or addresses.

        Args:
            folder: where its certificate and key are written: the ssl module reads files only.
            hosts: default 127.0.0.1 and localhost.
        """
        certificate, key = self.issue(*(hosts or ("127.0.0.1", "localhost")))
        (folder / "server.pem").write_bytes(certificate)
        (folder / "server.key").write_bytes(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
        )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
