"""Exora: medical documents to structured clinical records, coordinated by PostgreSQL."""

from exora.domain.capacity import Need
from exora.version import __version__
from exora.worker.context import JobContext
from exora.worker.registry import handler

__all__ = ["JobContext", "Need", "__version__", "handler"]
