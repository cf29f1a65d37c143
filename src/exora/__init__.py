"""Exora: medical documents to structured clinical records, coordinated by PostgreSQL."""

from exora.domain.capacity import Need
from exora.worker.context import JobContext
from exora.worker.registry import handler

__all__ = ["JobContext", "Need", "__version__", "handler"]

__version__ = "0.1.0"
