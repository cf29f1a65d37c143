"""Exora: medical documents to structured clinical records, coordinated by PostgreSQL."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from exora.version import __version__

if TYPE_CHECKING:
    from exora.domain.capacity import Need
    from exora.worker.context import JobContext
    from exora.worker.registry import handler

__all__ = ["JobContext", "Need", "__version__", "handler"]

_PLACES = {"JobContext": "exora.worker.context", "Need": "exora.domain.capacity", "handler": "exora.worker.registry"}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used: else every command and every child process would wait for them all."""
    if name not in _PLACES:
        raise AttributeError(f"module 'exora' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
