"""What the transports owe each other: the shapes of all answers, and the exceptions for all failures."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import httpx
import pytest

from exora import errors
from exora.app import open_transport
from exora.coordination.failures import from_sqlstate
from exora.coordination.shapes import SCALARS, kind_of, rows_of
from exora.coordination.supabase import failure
from exora.coordination.wire import WireCoordinator
from exora.sql.migrate import door
from tests.gateways import local_project

_RESULTS = """
select p.proname as function, not p.proretset and t.typtype not in ('c', 'p') and p.proargmodes is null as scalar,
       pg_catalog.format_type(p.prorettype, null) as type
  from pg_proc p join pg_type t on t.oid = p.prorettype
 where p.pronamespace = 'public'::regnamespace and p.proname = any ($1)"""
_COLUMNS = """
select p.proname || '.' || c.name as place, c.name, pg_catalog.format_type(c.type, null) as type
  from pg_proc p, unnest(p.proargnames, p.proallargtypes, p.proargmodes) as c (name, type, mode)
 where p.pronamespace = 'public'::regnamespace and p.proname = any ($1) and c.mode in ('o', 't', 'b')
union all
select c.relname || '.' || a.attname, a.attname, pg_catalog.format_type(a.atttypid, null)
  from pg_class c join pg_attribute a on a.attrelid = c.oid
 where c.oid = 'public.job_queue'::regclass and a.attnum > 0"""
_NAMES = {"timestamp with time zone": "timestamptz"}


async def test_every_scalar_that_json_cannot_tell_apart_is_listed(db: asyncpg.Connection) -> None:
    rows = [row for row in await db.fetch(_RESULTS, list(door())) if row["scalar"]]
    needed = {row["function"]: row["type"] for row in rows if row["type"] in ("jsonb", "json", "uuid")}
    assert needed == dict(SCALARS), "put the function in exora.coordination.shapes.SCALARS"
    unknown = {row["function"]: row["type"] for row in rows} | needed
    assert {name for name, kind in unknown.items() if kind in _NAMES or kind == "interval"} == set()


async def test_the_name_of_a_column_tells_the_types_that_json_lacks(db: asyncpg.Connection) -> None:
    wrong = {}
    for row in await db.fetch(_COLUMNS, list(door())):
        kind = _NAMES.get(row["type"], row["type"])
        if kind_of(row["name"]) != (kind if kind in ("uuid", "timestamptz", "interval") else None):
            wrong[row["place"]] = kind
    assert wrong == {}, "see exora.coordination.shapes.kind_of"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("00:00:01.5", timedelta(seconds=1.5)),
        ("-00:00:01", timedelta(seconds=-1)),
        ("1 day 02:00:00", timedelta(days=1, hours=2)),
        ("3 days", timedelta(days=3)),
    ],
)
def test_durations_are_read(text: str, value: timedelta) -> None:
    assert rows_of("list_jobs_v3", [{"actual_duration": text}]) == [{"actual_duration": value}]


def _response(status: int, body: object = None, **headers: str) -> httpx.Response:
    content = b"<html>proxy</html>" if body is None else None
    return httpx.Response(status, json=body if body is not None else None, content=content, headers=headers)


@pytest.mark.parametrize(
    "state",
    ["PT400", "PT404", "PT409", "PT429", "EX001", "22P02", "42883", "42P01", "28P01", "42501", "08006", "57P01",
     "40001", "40P01", "55P03", "53300", "57014", "XX000", "23514"],
)  # fmt: skip
@pytest.mark.parametrize("status", [400, 500])
def test_an_sqlstate_is_the_same_exception_over_both_transports(state: str, status: int) -> None:
    body = {"code": state, "message": "m", "details": "p_field", "hint": "h"}
    over_rest, direct = failure(_response(status, body)), from_sqlstate(state, "m", "p_field", "h")
    assert type(over_rest) is type(direct)
    assert (over_rest.message, over_rest.remedy, over_rest.field) == (direct.message, direct.remedy, direct.field)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "PGRST202", errors.SchemaOutdated),
        (503, "PGRST001", errors.DatabaseUnavailable),
        (504, "PGRST003", errors.DatabaseUnavailable),
        (401, "PGRST301", errors.AccessDenied),
        (401, "PGRST303", errors.AccessDenied),
        (400, "PGRST102", errors.BadInput),
        (429, None, errors.DatabaseUnavailable),
        (503, None, errors.DatabaseUnavailable),
        (502, None, errors.OutcomeUnknown),
        (522, None, errors.OutcomeUnknown),
        (403, None, errors.AccessDenied),
        (418, None, errors.CoordinationError),
    ],
)
def test_what_postgrest_and_proxies_say(status: int, code: str | None, kind: type[errors.ExoraError]) -> None:
    body = None if code is None else {"code": code, "message": "m", "details": None, "hint": None}
    assert type(failure(_response(status, body))) is kind


async def test_over_rest_there_is_no_listening_and_it_says_so(embedded_dsn: str) -> None:
    async with local_project(embedded_dsn) as project:
        transport = open_transport(project)
        with pytest.raises(errors.DatabaseUnavailable, match="REST"):
            await WireCoordinator(transport).listen(lambda: None, lambda: None)
        await transport.close()
