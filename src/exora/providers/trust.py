"""Whom to trust besides the system's authorities: a company's proxy, a model server of one's own."""

from __future__ import annotations

import ssl

from exora.errors import ConfigurationError

#: What to do about a certificate that nobody vouches for.
UNTRUSTED_REMEDY = "Name the file of the authority's certificate in EXORA_PROVIDER_CA_FILE"


def untrusted(error: BaseException | None) -> bool:
    """Whether a connection failed since the server's certificate is not trusted, as far down as its causes go."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def trusting(ca_file: str, field: str = "ca_file") -> ssl.SSLContext:
    """A client's TLS that also trusts the authorities in a file.

    Args:
        ca_file: certificates in PEM.
        field: the setting it comes from.

    Raises:
        ConfigurationError: the file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(
            f"the file of {field} cannot be used ({type(error).__name__})",
            field=field,
            remedy="Name a file of certificates in PEM that this user may read",
        ) from error
    return context
