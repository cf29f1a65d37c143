"""The composition root: the only place where concrete parts meet."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from exora import __version__
from exora.capacity.clients import GatedApis, GatedChat, GatedVision
from exora.capacity.estimates import Estimator
from exora.capacity.gate import Gate
from exora.coordination.port import Coordinator, Transport
from exora.coordination.postgres import PostgresTransport, connect
from exora.coordination.supabase import SupabaseTransport
from exora.coordination.traced import TracedTransport
from exora.coordination.wire import WireCoordinator
from exora.documents.analysis.remote import RemoteAnalyzer
from exora.documents.handler import DocumentHandler, DocumentJob
from exora.documents.ocr.local import LocalOcr, second_pool
from exora.documents.ocr.port import OcrEngine
from exora.documents.ocr.vision import VisionOcr
from exora.documents.pool import ChildPool
from exora.documents.sniff import sniff
from exora.domain.capacity import Need
from exora.domain.document import DocumentLimits
from exora.domain.job import SubmitAnswer
from exora.errors import ConfigurationError, DocumentTooLarge, NotFound
from exora.observe.tally import Tally
from exora.observe.usage import UsageLog
from exora.providers.openai import OpenAI
from exora.providers.vision import Vision
from exora.settings import RemoteApi
from exora.sql.migrate import Applied, check, check_state, migrate
from exora.storage.port import Storage
from exora.storage.postgres import PostgresStorage
from exora.storage.supabase import SupabaseStorage
from exora.supabase.client import Project
from exora.worker.config import WorkerConfig
from exora.worker.keeper import Heartbeats
from exora.worker.registry import Handler, Registry, default_registry
from exora.worker.runtime import Worker

_log = structlog.get_logger("exora.app")
#: Where the database is: a PostgreSQL URL (direct), or a Supabase project (REST).
Target = str | Project
#: What analyzing a document of a few pages takes, prompt and answer: for looking ahead, not for reserving.
_TOKENS_PER_JOB = 6000.0
DOCUMENT_JOB_TYPES = ("shell_file_processing", "ai_processing")
#: Served by every worker: does nothing but answer with the worker's version (see ``exora promote``).
CANARY = "canary"


@dataclass(frozen=True, slots=True)
class Services:
    """What a command needs of a database: the verbs and the document store.

    Attributes:
        target: a PostgreSQL URL, or a Supabase project to reach over HTTPS.
    """

    target: Target = field(repr=False)  # a URL holds a password
    coordinator: Coordinator
    storage: Storage
    limits: DocumentLimits
    traced: bool = False

    async def submit(
        self, content: bytes, patient_id: UUID, *, priority: int = 5, lane: str | None = None
    ) -> SubmitAnswer:
        """Upload a document and enqueue its job.

        Raises:
            UnknownPatient: no patient of that id is registered.
            EmptyDocument, UnsupportedFormat, DocumentTooLarge: refused before anything is stored.
        """
        if len(content) > self.limits.max_bytes:
            raise DocumentTooLarge(f"the document has {len(content)} bytes; the limit is {self.limits.max_bytes}")
        kind = sniff(content)
        sha256 = hashlib.sha256(content).hexdigest()
        path = f"{patient_id}/{sha256}"
        await self.storage.put(path, content)
        return await self.coordinator.submit_document(
            patient_id=patient_id,
            storage_path=path,
            sha256=sha256,
            size_bytes=len(content),
            media_type=kind.media_type,
            priority=priority,
            lane=lane,
        )


def open_transport(target: Target, *, max_connections: int = 4) -> Transport:
    """The transport that reaches a target; it connects with the first call."""
    if isinstance(target, Project):
        return SupabaseTransport(target, max_connections=max_connections)
    return PostgresTransport(target, max_connections=max_connections)


@contextlib.asynccontextmanager
async def open_services(
    target: Target, *, verify: bool = True, bucket_of: Project | None = None, traced: bool = False
) -> AsyncIterator[Services]:
    """Connect to a migrated database.

    Args:
        target: where it is.
        verify: check that it serves this version; a newer one that does is logged.
        traced: log every call, without its values.
        bucket_of: the Supabase project whose Storage holds the documents of a direct target; None = the database does.

    Raises:
        SchemaOutdated, SchemaTooNew, DatabaseUnavailable, ConfigurationError: say what to do.
    """
    if verify and not await verify_schema(target):
        _log.warning("schema_newer", version=__version__)
    transport = open_transport(target)
    storage: Storage
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(transport.close)
        project = target if isinstance(target, Project) else bucket_of
        if project is not None:
            storage = SupabaseStorage(project)
            stack.push_async_callback(storage.close)
        else:
            assert isinstance(transport, PostgresTransport)
            storage = PostgresStorage(transport.fetch)
        carrier = TracedTransport(transport) if traced else transport
        yield Services(target, WireCoordinator(carrier), storage, DocumentLimits(), traced)


async def migrate_schema(dsn: str) -> Applied:
    """Bring a database to this version."""
    connection = await connect(dsn)
    try:
        return await migrate(connection)
    finally:
        await connection.close()


async def verify_schema(target: Target) -> bool:
    """Check that a database serves this version.

    Returns:
        True when it is at this version; False when it is at a newer one that serves this one too, as it is while a
        deploy replaces workers and after a rollback.

    Raises:
        SchemaOutdated, SchemaTooNew: it does not.
        ConfigurationError: the key is not one of service_role.
    """
    if isinstance(target, Project):
        return await _verify_over_rest(target)
    connection = await connect(target)
    try:
        return await check(connection)
    finally:
        await connection.close()


async def _verify_over_rest(project: Project) -> bool:
    transport = SupabaseTransport(project)
    try:
        [row] = await transport.call("whoami_v3", {}, repeatable=True)
        if row["whoami_v3"] != "service_role":
            raise ConfigurationError(
                f"the Supabase key acts as {row['whoami_v3']}",
                field="SUPABASE_SERVICE_ROLE_KEY",
                remedy="Use the service role key or a secret key of the project",
            )
        [row] = await transport.call("schema_state_v3", {}, repeatable=True)
        return check_state(row["schema_state_v3"])
    finally:
        await transport.close()


def _ignore(*_: object) -> None:
    """Nobody watches."""


def _canary(version: str) -> Handler:
    """The handler of the job that shows that jobs are done here."""

    async def answer(_context: object, _payload: object) -> dict[str, Any]:
        return {"version": version}

    return answer


@dataclass(frozen=True, slots=True)
class Remote:
    """The remote APIs of a process, and the gate before them.

    Attributes:
        apis: the same, each behind the gate.
    """

    gate: Gate
    apis: GatedApis
    vision: Vision | None
    openai: OpenAI | None
    model: str

    @property
    def needs(self) -> list[Need]:
        """What a document's job calls."""
        needs = []
        if self.vision is not None:
            needs.append(Need("google", "vision-api"))
        if self.openai is not None:
            needs.append(Need("openai", self.model, tokens_per_job=_TOKENS_PER_JOB))
        return needs

    def ocr(self, local: OcrEngine) -> OcrEngine:
        """The engine that recognizes pages."""
        return local if self.apis.vision is None else VisionOcr(self.apis.vision)

    def analyzer(self, pool: ChildPool, limits: DocumentLimits) -> RemoteAnalyzer | None:
        """What analyzes pages; None = the local analyzer."""
        return None if self.apis.chat is None else RemoteAnalyzer(self.apis.chat, pool, limits)


@contextlib.asynccontextmanager
async def open_remote(
    services: Services,
    holder: str,
    vision: RemoteApi | None,
    openai: RemoteApi | None,
    usage: UsageLog | None = None,
    *,
    timeout_s: float | None = None,
) -> AsyncIterator[Remote]:
    """The remote APIs that are configured, behind one gate.

    Args:
        holder: this process; unique.
        vision, openai: None = not used.
        usage: is told what jobs used.
        timeout_s: for a whole call; None = what documents take at most.
    """
    gate = Gate(services.coordinator, holder, usage=usage)
    model = "" if openai is None else openai.model
    async with contextlib.AsyncExitStack() as stack:
        pages = chat = gated_pages = gated_chat = None
        if vision is not None:
            pages = Vision(vision.key, vision.base_url, timeout_s=timeout_s or 60.0, ca_file=vision.ca_file)
            stack.push_async_callback(pages.close)
            gated_pages = GatedVision(gate, pages)
        if openai is not None:
            chat = OpenAI(openai.key, openai.base_url, timeout_s=timeout_s or 120.0, ca_file=openai.ca_file)
            stack.push_async_callback(chat.close)
            gated_chat = GatedChat(gate, chat, Estimator(services.coordinator, "openai", model), model)
        stack.push_async_callback(gate.close)  # before the clients: what is under way is cancelled first
        yield Remote(gate, GatedApis(gate, gated_chat, gated_pages), pages, chat, model)


@contextlib.asynccontextmanager
async def open_worker(
    services: Services,
    config: WorkerConfig,
    *,
    vision: RemoteApi | None = None,
    openai: RemoteApi | None = None,
    pool_size: int | None = None,
    registry: Registry | None = None,
    on_progress: Callable[[UUID, int, int], None] = _ignore,
) -> AsyncIterator[Worker]:
    """A worker that serves documents and every handler users have registered.

    Args:
        services: the database and the document store.
        config: the numbers.
        vision, openai: remote engines for documents; None = the local ones.
        pool_size: child processes for CPU-bound work; None = one per CPU.
        registry: handlers; None = those registered with ``@exora.handler``, plus documents.
        on_progress: called with (job id, pages done, pages) as documents are read.

    Raises:
        NotFound: a handler needs an API, or the config a lane, that is not known; says what to do.
    """
    await _check_lanes(services.coordinator, config.lanes)

    async def connect_keeper() -> Heartbeats:
        return WireCoordinator(open_transport(services.target, max_connections=1))

    limits, tally = services.limits, Tally()
    async with (
        ChildPool(pool_size, address_space_bytes=limits.address_space_bytes) as pool,
        second_pool(limits) as second,
        open_remote(services, config.worker_id, vision, openai, tally.usage) as remote,
    ):
        if registry is None:
            registry = default_registry.copy()
            ocr, analyzer = remote.ocr(LocalOcr(second)), remote.analyzer(pool, limits)
            handler = DocumentHandler(services.storage, pool, ocr, limits, analyzer)
            for job_type in DOCUMENT_JOB_TYPES:
                registry.add(job_type, handler, DocumentJob, needs=remote.needs)
            registry.add(CANARY, _canary(config.version))
        await _declare(services.coordinator, registry)
        yield Worker(services.coordinator, connect_keeper, registry, config, on_progress, tally, remote.apis)


async def _check_lanes(coordinator: Coordinator, lanes: Sequence[str] | None) -> None:
    """A worker of a lane that is not there would wait for ever.

    Raises:
        NotFound: one is not.
    """
    known = {stats.lane for stats in await coordinator.queue_stats()} if lanes else set()
    if unknown := set(lanes or ()) - known:
        raise NotFound(f"no lane {', '.join(sorted(unknown))}", field="--lane", remedy="See: exora lanes list")


async def _declare(coordinator: Coordinator, registry: Registry) -> None:
    """Tell claims and enqueues which APIs the jobs of each type call; types that need the same in one call.

    Raises:
        NotFound: an API is not known; says how to make it known.
    """
    types: dict[tuple[Need, ...], list[str]] = {}
    for job_type, needs in registry.needs.items():
        types.setdefault(needs, []).append(job_type)
    for needs, job_types in types.items():
        await coordinator.declare_needs(job_types, needs)
