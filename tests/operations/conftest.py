"""Operations run on the embedded server; what is particular to a server is tested elsewhere."""

from __future__ import annotations

import pytest

from exora.coordination.port import Coordinator
from tests.conformance.conftest import Client


@pytest.fixture
def dsn(embedded_dsn: str) -> str:
    """A migrated database of its own on the embedded server."""
    return embedded_dsn


@pytest.fixture
def client(coordinator: Coordinator) -> Client:
    """A worker's hands on a database of its own."""
    return Client(coordinator)
