"""The whole system with short leases, and the example documents in it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg

from exora.app import Services, open_services
from exora.dev.examples import examples
from exora.testing.clock import hurry


@contextlib.asynccontextmanager
async def system(dsn: str, lease_s: float = 2.0) -> AsyncIterator[tuple[Services, asyncpg.Connection]]:
    """The services and the owner's connection on a database with short leases."""
    db = await asyncpg.connect(dsn)
    try:
        await hurry(db, lease_s=lease_s, backoff_s=0.2)
        async with open_services(dsn) as services:
            yield services, db
    finally:
        await db.close()


async def submit_examples(services: Services) -> list[UUID]:
    """Submit every example document, each for its patient; returns the jobs."""
    patients: dict[str, UUID] = {}
    jobs = []
    for example in examples():
        patient = patients.setdefault(example.patient, uuid4())
        await services.coordinator.register_patient(patient)
        jobs.append((await services.submit(example.read(), patient)).job.job_id)
    return jobs


async def all_final(services: Services, jobs: list[UUID]) -> bool:
    """Whether all jobs have ended."""
    return all(view.state.final for view in await services.coordinator.get_jobs(jobs))
