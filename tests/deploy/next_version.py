"""A version after this one, as a release that only adds would be: more columns, indexes, parameters and functions."""

from __future__ import annotations

import asyncpg
import pytest

from exora.sql import migrate as schema

#: The verbs of a worker and of its clients that get one more parameter, as expand/contract allows.
_GROWN = (
    "claim_jobs_v3", "settle_jobs_v3", "heartbeat_jobs_v3", "enqueue_jobs_v3", "submit_document_v3", "store_record_v3",
    "get_step_v3", "put_step_v3", "report_worker_v3", "sweep_v3", "log_audit_event_v3",
)  # fmt: skip
_MIGRATION = """
alter table exora.jobs add column next_note text, add column next_count int not null default 0;
alter table exora.running add column next_note text;
alter table exora.documents add column next_kind text not null default 'x';
create index jobs_next on exora.jobs (next_note);
create table exora.next_things (id bigint primary key, job bigint);
alter table exora.next_things enable row level security, force row level security;
"""
_DROP = "drop function if exists public.{name};\n"


def _grown(name: str, sql: str) -> str:
    """The function with one more parameter, optional and unused."""
    start = sql.index("(", sql.index(f"function public.{name}")) + 1
    depth, end = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(sql[end], 0)
        end += 1
    return sql[: end - 1] + ", p_next text default null" + sql[end - 1 :]


async def migrate_to_next(connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Bring a database to the version after this one, as that version's ``exora migrate`` would."""
    present, code = schema.migrations(), schema.functions()
    drops = "".join(_DROP.format(name=name) for name in _GROWN)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "__version__", version)
        patch.setattr(schema, "migrations", lambda: (*present, schema.Migration(9001, "next", drops + _MIGRATION)))
        grown = {name: _grown(name, sql) if name in _GROWN else sql for name, sql in code.items()}
        patch.setattr(schema, "functions", lambda: grown)
        assert (await schema.migrate(connection)).versions == (9001,)
