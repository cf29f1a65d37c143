"""What is thrown hostile input at, and what must hold of whatever comes of it."""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from hypothesis import strategies as st

from exora.dev.gateway.catalog import Catalog
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.grounding import _TIES, _stem, find_quote
from exora.documents.analysis.remote import RemoteAnalyzer
from exora.documents.analysis.text import pages_from_text
from exora.documents.analyze import add_coded_entries, analyze_pages
from exora.documents.fhir import to_bundle
from exora.documents.ocr.port import OcrResult, Picture, Pictures, Report
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits, PageText
from exora.domain.record import Record
from exora.errors import DocumentError, ProviderError
from exora.http.access import COOKIE, Access, Scope
from exora.http.live import LiveWorker
from exora.http.server import application, bind, serve
from exora.observe.logs import configure_logs
from tests.gateways import KEYS
from tests.security import answers, gateway_calls, mutations, requests, worker_routes
from tests.security.conftest import OPERATE, READ
from tests.security.payloads import CANARY, PATIENT, Field, spoiled
from tests.security.requests import Asked
from tests.worker.conftest import Bench

_LEAKS = (
    b"Traceback",
    b'File "',
    CANARY.encode(),
    READ.encode(),
    OPERATE.encode(),
    b"asyncpg.",
    b"psycopg",
    b"site-packages",
)
#: What an enqueue may end in: its refusals, and what the server says of a text that can be no JSON (a zero in it).
_REFUSED = re.compile(r"PT4(00|09|29)|22P05|22021")
#: What any call of the database may end in beside its own refusals: bad values, no right, a limit of the server itself.
_STATES = re.compile(r"PT\d{3}|EX\d{3}|22\w{3}|42501|57014|54001")
APIS = [("openai", "gpt-4o-mini"), ("google", "vision-api")]
#: Labels of jobs as deployed callers and attackers write them.
_NAMES = (
    f"Pass 1: {CANARY} Smith.pdf",
    f"{CANARY}.pdf",
    f"scan: {CANARY}",
    "a" * 300,
    "a\nb",
    "ä",
    "x:y:z",
    "report.PDF",
)
_LIMITS = DocumentLimits(page_cpu_s=20, page_wall_s=60, max_pages=20, max_page_megapixels=10)


@dataclass(frozen=True)
class Target:
    """Something that takes hostile input.

    Attributes:
        inputs: makes it.
        check: hands it over; answers what came of it in a word; raises AssertionError if that may not be.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    check: Callable[[Any], Awaitable[str]]


@contextlib.asynccontextmanager
async def worker_http(dsn: str) -> AsyncIterator[Target]:
    """The HTTP side of a worker, over real connections: who may not act acts not, who may not look sees no job."""
    bench, access = Bench(dsn), Access(READ, OPERATE)
    jobs, _, fingerprints = await _work(dsn)
    lanes = [lane.lane for lane in await bench.coordinator.queue_stats()]
    known = worker_routes.Known(jobs, lanes, fingerprints, APIS)
    dice, errors = random.Random(8), io.StringIO()
    configure_logs("error", stream=errors)
    db = await asyncpg.connect(dsn)
    acted = "select max(id) from exora.audit_events where id > $1 and detail ? 'by'"
    seen: int = await db.fetchval("select max(id) from exora.audit_events")
    async with bench.worker() as worker:
        app = application(LiveWorker(worker), bench.coordinator, access)
        async with serve(app, bind("127.0.0.1", 0)) as port:

            async def check(asked: Asked) -> str:
                nonlocal seen
                cookie = access.open_session(Scope.OPERATE if asked.who == "acting" else Scope.READ, "fuzz")
                csrf = access._sign(f"csrf.{cookie.rpartition('.')[0]}")
                origin = {"Origin": f"http://127.0.0.1:{port}"}
                credentials = {
                    "own page": origin,
                    "reader": {"Authorization": f"Bearer {READ}"},
                    "operator": {"Authorization": f"Bearer {OPERATE}"},
                    "session": {"Cookie": f"{COOKIE}={cookie}"},
                    "acting": {"Cookie": f"{COOKIE}={cookie}", **origin},
                    "stale": {"Cookie": f"{COOKIE}={cookie}0"},
                }.get(asked.who, {})
                wire = asked.wire(credentials, f"127.0.0.1:{port}", {worker_routes.CSRF: csrf})
                answer = await requests.ask(port, asked, wire, dice)
                assert answer.status < 500 or answer.head.startswith("HTTP/1.1 503"), (answer.status, wire[:600])
                assert not any(leak in answer.body for leak in _LEAKS), wire[:600]
                assert worker.state == "working"
                assert not errors.getvalue(), (errors.getvalue(), wire[:600])
                if asked.who in ("nobody", "own page", "stale"):
                    assert not any(job.encode() in answer.body for job in jobs), wire[:600]
                if answer.status == 200 and asked.raw is None and asked.parts[0] == "dashboard":
                    assert "default-src 'none'" in answer.head, wire[:600]
                last = await db.fetchval(acted, seen)
                if last is not None:
                    seen = last
                    assert asked.who == "acting", wire[:600]
                    assert csrf.encode() in wire, wire[:600]
                return str(answer.status)

            yield Target("worker http", worker_routes.to_worker(app, known), check)
    configure_logs("error")
    await db.close()
    await bench.transport.close()


async def _work(dsn: str) -> tuple[list[str], list[tuple[int, int, str]], list[str]]:
    """Jobs in several states: ids of all, the claims of those at work, and the fingerprints of the dead ones."""
    db = await asyncpg.connect(dsn)
    for number in range(6):
        payload = json.dumps({"limit": number})
        await db.execute("select enqueue_job_v3('report_generation', $1, $2)", f"Pass 1: {CANARY}.pdf", payload)
    claims = await db.fetch(
        "select exora.job_number(job_id) as job, attempt, $1::uuid as claim_token"
        " from claim_jobs_v3('fuzz', $1, array['report_generation'], p_limit => 4)",
        uuid4(),
    )
    fingerprint = "f00dfacef00dface"
    error = json.dumps({"class": "ValueError", "code": "bad", "summary": "of a kind", "fingerprint": fingerprint})
    dead = claims[:2]
    await db.fetch(
        "select * from settle_jobs_v3($1, $2, $3, $4, p_errors => $5)",
        *([row[name] for row in dead] for name in ("job", "attempt", "claim_token")),
        ["dead"] * len(dead),
        [error] * len(dead),
    )
    jobs = [str(row["id"]) for row in await db.fetch("select id from job_queue order by id")]
    await db.close()
    return jobs, [(row["job"], row["attempt"], str(row["claim_token"])) for row in claims[2:]], [fingerprint]


async def _payload_fields(db: asyncpg.Connection) -> dict[str, list[Field]]:
    """What the payloads of each job type may hold."""
    fields: dict[str, list[Field]] = {}
    for row in await db.fetch("select job_type, key, kind, required from exora.payload_fields order by job_type, key"):
        fields.setdefault(row["job_type"], []).append(Field(row["key"], row["kind"], row["required"]))
    return fields


@contextlib.asynccontextmanager
async def gateway_http(dsn: str) -> AsyncIterator[Target]:
    """The development gateway: functions, tables and objects, over real connections; nothing without a good key."""
    from exora.dev.gateway.local import local_project

    jobs, claims, fingerprints = await _work(dsn)
    db = await asyncpg.connect(dsn)
    catalog = Catalog()
    await catalog.load(db)
    rows = await db.fetch(
        "select proname, proargnames[1:pronargs - pronargdefaults] as needed from pg_proc"
        " where pronamespace = 'public'::regnamespace and has_function_privilege('service_role', oid, 'execute')"
    )
    functions = [catalog.function(row["proname"], frozenset(row["needed"] or ())) for row in rows]
    lanes: dict[str, list[str]] = {}
    for row in await db.fetch("select job_type, lane from exora.lanes order by lane"):
        lanes.setdefault(row["job_type"], []).append(row["lane"])
    user = UUID(gateway_calls.USER)
    await db.execute("select public.register_patient_v3($1)", UUID(PATIENT))
    await db.execute("select public.grant_access_v3($1, $2)", user, UUID(PATIENT))
    await db.execute(
        "select public.put_schedule_v3('nightly', '0 3 * * *', 'UTC', '2099-01-01Z', 'report_generation', '{}')"
    )
    await db.execute("select exora.create_object($1, $2)", f"{PATIENT}/abc", b"text")
    known = gateway_calls.Known(functions, await _payload_fields(db), jobs, claims, lanes, fingerprints, APIS)
    await db.close()
    bearers = {"anon": KEYS.anon_key, "service": KEYS.service_role_key, "forged": KEYS.service_role_key[:-4] + "AAAA"}
    bearers["user"] = KEYS.user_token(user)
    dice = random.Random(8)
    async with local_project(dsn, keys=KEYS) as local:
        port = int(local.url.rsplit(":", 1)[1])

        async def check(asked: Asked) -> str:
            token = bearers.get(asked.who)
            key = KEYS.anon_key if asked.who == "user" else token
            credentials = {"apikey": key or "", "Authorization": f"Bearer {token}"} if token else {}
            wire = asked.wire(credentials, f"127.0.0.1:{port}", {})
            answer = await requests.ask(port, asked, wire, dice)
            state = _state(answer.body)
            assert answer.status < 500 or state in ("57014", "54001"), (answer.status, state, wire[:900])
            assert (
                state is None
                or not state[0].isdigit()
                or _STATES.fullmatch(state)
                or asked.method != "POST"
                or ("/rpc/" not in asked.path)
            ), (state, wire[:900])
            assert not any(leak in answer.body for leak in _LEAKS), wire[:900]
            assert answer.status < 400 or gateway_calls.CONTENT.encode() not in answer.body, (answer.body, wire[:900])
            if asked.who in ("nobody", "anon", "forged"):
                assert not 200 <= answer.status < 300, (answer, wire[:900])
            return str(answer.status)

        yield Target("gateway http", gateway_calls.to_gateway(known), check)


def _state(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return str(found.get("code")) if isinstance(found, dict) and "code" in found else None


@contextlib.asynccontextmanager
async def payloads(dsn: str) -> AsyncIterator[Target]:
    """What enqueue takes for a job: references, or a refusal that names the field."""
    db = await asyncpg.connect(dsn)
    fields = await _payload_fields(db)
    names = st.one_of(st.just("nightly report"), st.sampled_from(_NAMES), requests.odd_value)

    def of_type(job_type: str) -> st.SearchStrategy[tuple[str, dict[str, Any], Any, bool]]:
        return st.tuples(st.just(job_type), spoiled(fields[job_type]), names, st.booleans())

    inputs = st.sampled_from(sorted(fields)).flatmap(of_type)

    async def check(asked: tuple[str, dict[str, Any], Any, bool]) -> str:
        kind, payload, name, batch = asked
        allowed = {field.key for field in fields[kind] if field.kind != "dropped"}
        text = json.dumps(payload)
        try:
            if batch:
                row: Any = await db.fetchrow(
                    "select * from public.enqueue_jobs_v3($1, $2, p_names => $3)", [kind], [text], [str(name)]
                )
            else:
                row = await db.fetchrow("select * from public.enqueue_job_v3($1, $2, $3)", kind, str(name), text)
        except asyncpg.PostgresError as error:
            return refused(error, text)
        kept: Any = await db.fetchrow(
            "select name, payload::text, patient_id from exora.jobs where id = exora.job_number($1)", row["job_id"]
        )
        stored = json.loads(kept["payload"])
        assert set(stored) <= allowed, stored
        assert all(isinstance(value, str | int | bool) for value in stored.values()), stored
        assert len(kept["payload"]) < 20_000
        assert CANARY not in kept["payload"]
        if "storage_path" in stored:
            assert stored["storage_path"].startswith(stored["patient_id"].lower() + "/"), stored
            assert ".." not in stored["storage_path"].split("/"), stored
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9 _-]{0,79}", kept["name"]), kept["name"]
        return str(row["outcome"])

    yield Target("payloads", inputs, check)
    await db.close()


def refused(error: asyncpg.PostgresError, text: str) -> str:
    """How a payload was refused; it must be by name, and quote nothing."""
    state = str(error.sqlstate)
    assert _REFUSED.fullmatch(state), (state, error.message, text[:500])
    assert CANARY not in f"{error.message} {error.detail} {error.hint}", text[:500]
    assert not state.startswith("PT") or error.detail, text[:500]
    return state


def _without_remedy(refusal: DocumentError) -> str:
    raise AssertionError(f"{refusal.code} says no remedy")


class NoWords:
    """An engine that has every picture drawn and finds no words in it: here the readers are tried, not recognition."""

    name = "none/1"

    async def recognize(self, wanted: Sequence[Picture], pictures: Pictures, report: Report) -> None:
        """See ``OcrEngine``."""
        for picture in wanted:
            try:
                await pictures.png(picture)
            except DocumentError as error:
                await report(picture, error)
            else:
                await report(picture, OcrResult((), 0, self.name))


@contextlib.asynccontextmanager
async def files() -> AsyncIterator[Target]:
    """The readers of every format, the local analyzer behind them, and the export of what it finds."""
    async with ChildPool(1) as pool:

        async def check(asked: tuple[str, bytes]) -> str:
            kind, content = asked
            try:
                pages = await read_pages(content, pool=pool, ocr=NoWords(), limits=_LIMITS, key="fuzz")
                record = await analyze_pages(pages, sha256="0" * 64, pool=pool, limits=_LIMITS, key="fuzz")
                record = await add_coded_entries(record, content, pool=pool, limits=_LIMITS, key="fuzz")
            except DocumentError as refusal:
                return f"{kind}: {refusal.code if refusal.remedy else _without_remedy(refusal)}"
            storable(record)
            to_bundle(record, document_id=UUID(int=1), patient_id=UUID(int=2), created=datetime.now(UTC))
            return f"{kind}: pages"

        yield Target("files", mutations.files(), check)


def storable(record: Record) -> None:
    """A record must be what its schema says, and a JSON that PostgreSQL takes."""
    text = record.to_json()
    assert Record.model_validate_json(text) == record
    assert "\\u0000" not in text
    assert "NaN" not in text
    text.encode()


class Liar:
    """A model that answers what it is told to."""

    model = "liar"

    def __init__(self) -> None:
        self.says = ""

    async def complete(self, **_: Any) -> str:
        """The answer."""
        return self.says


class Forgetful:
    """Keeps no steps: each answer is looked at."""

    async def find_step(self, *_: str | int) -> dict[str, Any] | None:
        """Nothing."""
        return None

    async def keep_step(self, *_: str | int, result: Mapping[str, Any]) -> None:
        """It must be a JSON that PostgreSQL takes."""
        assert "\\u0000" not in json.dumps(dict(result)).replace("\\\\", "")


#: Fields of an item that are the schema's words, or dates; a visit's kind may be half the model's own.
_CHOSEN = {"date", "start", "end", "status", "temporality", "subject", "category", "kind"}


def _printed(name: str, item: Any, page: PageText, dates: set[str]) -> None:
    """An item must be quoted from its page, its details from the quote, and its dates be printed somewhere."""
    quote = item.source.quote
    assert find_quote(quote, page), quote
    said = item.model_dump()
    for field, value in said.items():
        if isinstance(value, str) and field not in _CHOSEN:
            # The local analyzer may take a heading's word, or what a whole list shares, from elsewhere on the page.
            assert not _strange(value, page.text), (name, field, value)
            assert value.isprintable(), (name, field, value)
        if field in ("date", "start", "end") and value is not None:
            assert any(date.startswith(value) for date in dates), (name, field, value)


def _strange(said: str, text: str) -> list[str]:
    """The words of a value that a text does not print; a plural of one is none."""
    printed = {_stem(word) for word in re.findall(r"[a-z0-9]+", text.lower())}
    words = re.findall(r"[a-z0-9]+", said.lower())
    return [word for word in words if _stem(word) not in printed and word not in _TIES]


def pages_of_answers() -> list[PageText]:
    """The pages that answers are about."""
    return [replace(pages_from_text(text)[0], number=number) for number, text in enumerate(answers.PAGES, 1)]


@contextlib.asynccontextmanager
async def model_answers() -> AsyncIterator[Target]:
    """The way from a model's answer to a record: nothing gets in that the page does not print."""
    pages = pages_of_answers()
    text = "\n".join(page.text for page in pages)
    dates = {found.iso for page in pages for found in find_dates(page.text, years=True)}
    liar = Liar()
    async with ChildPool(1) as pool:
        analyzer = RemoteAnalyzer(liar, pool, _LIMITS)

        async def check(answer: str) -> str:
            liar.says = answer
            try:
                record = await analyzer.analyze(pages, sha256="0" * 64, key="fuzz", steps=Forgetful())
            except (DocumentError, ProviderError) as refusal:
                return refusal.code
            storable(record)
            for name in record.item_counts():
                for item in getattr(record, name):
                    _printed(name, item, pages[item.source.page - 1], dates)
            assert record.document.language is None or re.fullmatch(
                r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", record.document.language
            )
            patient = record.patient
            assert patient.name is None or not _strange(patient.name, text), patient.name
            assert patient.birth_date is None or any(date.startswith(patient.birth_date) for date in dates)
            for identifier in patient.identifiers:
                assert identifier.value
                assert "".join(identifier.value.lower().split()) in "".join(text.lower().split())
                assert identifier.type.isprintable(), identifier.type
                assert identifier.value.isprintable(), identifier.value
            to_bundle(record, document_id=UUID(int=1), patient_id=UUID(int=2), created=datetime.now(UTC))
            items = "items" if any(record.item_counts().values()) else "nothing"
            return f"{record.engines.analyzer}: {items}"

        yield Target("model answers", answers.answers(), check)


OPENERS: dict[str, Callable[[str], contextlib.AbstractAsyncContextManager[Target]]] = {
    "worker http": worker_http,
    "gateway http": gateway_http,
    "payloads": payloads,
    "files": lambda _: files(),
    "model answers": lambda _: model_answers(),
}
