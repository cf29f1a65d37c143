"""What is thrown hostile input at, and what must hold of whatever comes of it."""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from hypothesis import strategies as st

from exora.documents.analysis.grounding import find_quote
from exora.documents.analysis.remote import RemoteAnalyzer
from exora.documents.analysis.text import pages_from_text
from exora.documents.analyze import add_coded_entries, analyze_pages
from exora.documents.fhir import to_bundle
from exora.documents.ocr.port import OcrResult, Picture, Pictures, Report
from exora.documents.pages import read_pages
from exora.documents.pool import ChildPool
from exora.domain.document import DocumentLimits
from exora.domain.record import Record
from exora.errors import DocumentError, ProviderError
from exora.http.access import COOKIE, Access, Scope
from exora.http.live import LiveWorker
from exora.http.server import application, bind, serve
from tests.gateways import KEYS
from tests.security import answers, mutations, requests
from tests.security.conftest import OPERATE, READ
from tests.worker.conftest import Bench

CANARY = "Xanthippe"
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
#: What a call of the database may end in beside its own refusals: bad values, no right, a limit of the server itself.
_STATES = re.compile(r"PT\d{3}|EX\d{3}|22\w{3}|42501|57014|54001")
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
    """The HTTP side of a worker, over real connections."""
    bench, access = Bench(dsn), Access(READ, OPERATE)
    await bench.enqueue(5, name=f"Pass 1: {CANARY}.pdf")
    dice = random.Random(8)
    async with bench.worker() as worker:
        app = application(LiveWorker(worker), bench.coordinator, access)
        async with serve(app, bind("127.0.0.1", 0)) as port:

            async def check(asked: requests.Asked) -> str:
                cookie = access.open_session(Scope.OPERATE if asked.who == "acting" else Scope.READ, "fuzz")
                csrf = access._sign(f"csrf.{cookie.rpartition('.')[0]}")
                credentials = {
                    "reader": {"Authorization": f"Bearer {READ}"},
                    "operator": {"Authorization": f"Bearer {OPERATE}"},
                    "session": {"Cookie": f"{COOKIE}={cookie}"},
                    "acting": {"Cookie": f"{COOKIE}={cookie}", "Origin": f"http://127.0.0.1:{port}"},
                    "stale": {"Cookie": f"{COOKIE}={cookie}0"},
                }.get(asked.who, {})
                wire = asked.wire(credentials, f"127.0.0.1:{port}").replace(b"CSRF", csrf.encode())
                answer = await requests.ask(port, asked, wire, dice)
                assert answer.status < 500 or answer.head.startswith("HTTP/1.1 503"), (answer.status, wire[:600])
                assert not any(leak in answer.body for leak in _LEAKS), wire[:600]
                assert worker.state == "working"
                return str(answer.status)

            yield Target("worker http", requests.to_worker(), check)
    await bench.transport.close()


@contextlib.asynccontextmanager
async def gateway_http(dsn: str) -> AsyncIterator[Target]:
    """The development gateway: functions, tables and objects, over real connections."""
    from exora.dev.gateway.local import local_project

    db = await asyncpg.connect(dsn)
    rows = await db.fetch(
        "select proname, proargnames[1:pronargs] as names from pg_proc where pronamespace = 'public'::regnamespace"
        " and has_function_privilege('service_role', oid, 'execute')"
    )
    await db.close()
    functions = {row["proname"]: list(row["names"] or ()) for row in rows}
    bearers = {"anon": KEYS.anon_key, "service": KEYS.service_role_key, "forged": KEYS.service_role_key[:-4] + "AAAA"}
    bearers["user"] = KEYS.user_token(UUID(int=10))
    dice = random.Random(8)
    async with local_project(dsn, keys=KEYS) as local:
        port = int(local.url.rsplit(":", 1)[1])

        async def check(asked: requests.Asked) -> str:
            token = bearers.get(asked.who)
            key = KEYS.anon_key if asked.who == "user" else token
            credentials = {"apikey": key or "", "Authorization": f"Bearer {token}"} if token else {}
            wire = asked.wire(credentials, f"127.0.0.1:{port}")
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
            return str(answer.status)

        yield Target("gateway http", requests.to_gateway(functions), check)


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
    patient = UUID("00000000-0000-4000-8000-000000000001")
    good = {
        "shell_file_processing": {
            "patient_id": str(patient),
            "shell_file_id": str(UUID(int=5)),
            "storage_path": f"{patient}/abc",
            "mime_type": "application/pdf",
            "file_size_bytes": 5,
            "sha256": "0" * 64,
        },
        "report_generation": {"limit": 1, "scope": "all", "dry_run": True, "before": "2026-01-01"},
    }
    odd: st.SearchStrategy[Any] = st.recursive(
        st.one_of(
            requests.odd_text,
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            st.sampled_from(
                [
                    f"{patient}/../x",
                    f"{patient}//x",
                    f"{patient}/x\ny",
                    f"{CANARY} Smith_HIV.pdf",
                    str(patient).upper(),
                    "A" * 9000,
                ]
            ),
        ),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(requests.odd_text, inner, max_size=3),
        max_leaves=6,
    )
    keys = st.one_of(
        st.sampled_from(
            [*good["shell_file_processing"], *good["report_generation"], "uploaded_filename", "correlation_id"]
        ),
        requests.odd_text,
    )
    inputs = st.tuples(
        st.sampled_from(sorted(good)),
        st.dictionaries(keys, odd, max_size=3),
        st.lists(st.integers(0, 5), max_size=1),
        odd,
        st.booleans(),
    )

    async def check(asked: tuple[str, dict[str, Any], list[int], Any, bool]) -> str:
        kind, changes, dropped, name, batch = asked
        payload = {**good[kind], **changes}
        for place in dropped:
            payload.pop(sorted(payload)[place % len(payload)])
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
        assert set(stored) <= set(good[kind]) | {"correlation_id", "patient_id", "shell_file_id"}, stored
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
    assert _STATES.fullmatch(state), (state, error.message, text[:500])
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


@contextlib.asynccontextmanager
async def model_answers() -> AsyncIterator[Target]:
    """The way from a model's answer to a record: nothing gets in that the page does not print."""
    [page] = pages_from_text(answers.PAGE)
    printed = set(re.findall(r"[a-z0-9]+", answers.PAGE.lower()))
    liar = Liar()
    async with ChildPool(1) as pool:
        analyzer = RemoteAnalyzer(liar, pool, _LIMITS)

        async def check(answer: str) -> str:
            liar.says = answer
            try:
                record = await analyzer.analyze([page], sha256="0" * 64, key="fuzz", steps=Forgetful())
            except (DocumentError, ProviderError) as refusal:
                return refusal.code
            storable(record)
            for name in record.item_counts():
                for item in getattr(record, name):
                    assert find_quote(item.source.quote, page), item.source.quote
                    said = {field: value for field, value in item.model_dump().items() if isinstance(value, str)}
                    # A visit's kind may be half the model's own words.
                    for field in set(said) - {
                        "date",
                        "start",
                        "end",
                        "status",
                        "temporality",
                        "subject",
                        "category",
                        "kind",
                    }:
                        words = re.findall(r"[a-z0-9]+", said[field].lower())
                        strange = [word for word in words if word not in printed]
                        assert not strange, (name, field, said[field])
                        assert all(letter.isprintable() for letter in said[field]), (name, field, said[field])
            assert record.document.language is None or re.fullmatch(
                r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", record.document.language
            )
            for identifier in record.patient.identifiers:
                assert identifier.value
                assert "".join(identifier.value.lower().split()) in "".join(page.text.lower().split())
                assert identifier.type.isprintable()
            to_bundle(record, document_id=UUID(int=1), patient_id=UUID(int=2), created=datetime.now(UTC))
            return record.engines.analyzer

        yield Target("model answers", answers.answers(), check)


OPENERS: dict[str, Callable[[str], contextlib.AbstractAsyncContextManager[Target]]] = {
    "worker http": worker_http,
    "gateway http": gateway_http,
    "payloads": payloads,
    "files": lambda _: files(),
    "model answers": lambda _: model_answers(),
}
