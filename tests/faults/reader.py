"""A worker for documents with little room: ``python -m tests.faults.reader DSN``."""

from __future__ import annotations

import asyncio
import sys

from exora.app import DOCUMENT_JOB_TYPES, open_services, open_worker
from exora.documents.handler import DocumentHandler, DocumentJob
from exora.documents.ocr.local import LocalOcr
from exora.documents.pool import ChildPool
from exora.documents.room import Room
from exora.domain.document import DocumentLimits
from exora.observe.logs import configure_logs
from exora.testing.crew import die_with_parent
from exora.worker.config import WorkerConfig, new_worker_id
from exora.worker.registry import Registry

MIB = 1024 * 1024
#: A child may map half a gigabyte; pages of any size may be tried, so that this is what stops them.
LIMITS = DocumentLimits(address_space_bytes=512 * MIB, max_page_megapixels=400, page_cpu_s=5)
ROOM_BYTES = 96 * MIB


async def main(dsn: str) -> None:
    """Register documents with a small room, then work."""
    async with open_services(dsn) as services, ChildPool(2, address_space_bytes=LIMITS.address_space_bytes) as pool:
        registry = Registry()
        handler = DocumentHandler(services.storage, pool, LocalOcr(), LIMITS, room=Room(ROOM_BYTES))
        for job_type in DOCUMENT_JOB_TYPES:
            registry.add(job_type, handler, DocumentJob)
        config = WorkerConfig(new_worker_id("reader"), sweep_interval_s=0.2, poll_max_s=0.5, drain_s=10)
        async with open_worker(services, config, pool_size=1, registry=registry) as worker:
            await worker.run()


if __name__ == "__main__":
    die_with_parent()
    configure_logs("info")
    asyncio.run(main(sys.argv[1]))
