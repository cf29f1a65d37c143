"""Exora: medical documents to structured clinical records, coordinated by PostgreSQL."""

from exora.version import __version__
from exora.worker.context import JobContext
from exora.worker.registry import handler

__all__ = ["JobContext", "__version__", "handler"]
