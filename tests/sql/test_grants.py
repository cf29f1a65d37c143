"""Nobody but service_role gets in, whatever default privileges the database came with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from exora.sql.migrate import door, functions, migrate

ROLES = ("anon", "authenticated", "service_role")
REGIMES = {
    "plain PostgreSQL": "",
    "old Supabase defaults": "alter default privileges in schema public grant all on functions to anon, authenticated,"
    " service_role; alter default privileges in schema public grant all on tables to anon, authenticated, service_role;"
    " alter default privileges grant all on functions to anon, authenticated;"
    " alter default privileges grant all on tables to anon, authenticated;",
    "new Supabase defaults": "alter default privileges revoke execute on functions from public;",
}
_MAKE_ROLES = """do $$ declare r text; begin
  foreach r in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_roles where rolname = r) then execute format('create role %I nologin', r); end if;
  end loop;
exception when duplicate_object or unique_violation then null; end $$"""


@pytest.fixture(params=REGIMES)
async def regime(request: pytest.FixtureRequest, empty_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A database migrated under each regime of default privileges."""
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(_MAKE_ROLES)
    await connection.execute(REGIMES[request.param] or "select 1")
    await migrate(connection)
    yield connection
    await connection.close()


async def _may(db: asyncpg.Connection, kind: str, role: str) -> set[str]:
    if kind == "function":
        query = """select p.oid::regprocedure::text from pg_proc p
                    where (p.pronamespace = 'exora'::regnamespace or p.proname = any ($2))
                      and has_function_privilege($1, p.oid, 'execute') and p.prorettype <> 'trigger'::regtype"""
        return {row[0] for row in await db.fetch(query, role, list(door()))}
    query = """select c.relnamespace::regnamespace || '.' || c.relname from pg_class c
                where (c.relnamespace = 'exora'::regnamespace or c.relname = any ('{job_queue,documents,records}'))
                  and c.relkind in ('r', 'p', 'v')
                  and (has_table_privilege($1, c.oid, $2)
                       or $2 in ('select', 'insert', 'update') and has_any_column_privilege($1, c.oid, $2))"""
    return {row[0] for row in await db.fetch(query, role, kind)}


async def test_strangers_may_do_nothing(regime: asyncpg.Connection) -> None:
    assert await _may(regime, "function", "anon") == set()
    for privilege in ("select", "insert", "update", "delete", "truncate"):
        assert await _may(regime, privilege, "anon") == set()


async def test_users_may_ask_submit_and_read_and_nothing_else(regime: asyncpg.Connection) -> None:
    allowed = {name.split("(")[0] for name in await _may(regime, "function", "authenticated")}
    assert allowed == {"has_profile_access", "submit_document_v3", "get_record_v3"}
    readable = await _may(regime, "select", "authenticated")
    assert readable == {"public.documents", "public.records", "exora.documents", "exora.records"}
    for column in ("record", "job", "attempt"):
        assert not await regime.fetchval(
            "select has_column_privilege('authenticated', 'exora.records', $1, 'select')", column
        )
    for privilege in ("insert", "update", "delete", "truncate"):
        assert await _may(regime, privilege, "authenticated") == set()


async def test_service_role_may_use_the_door_and_read_the_queue(regime: asyncpg.Connection) -> None:
    allowed = {name.split("(")[0].split(".")[-1] for name in await _may(regime, "function", "service_role")}
    assert allowed == {*door(), "put_object", "get_object", "job_uuid"}
    readable = await _may(regime, "select", "service_role")
    assert "public.job_queue" in readable
    await regime.fetchval("select public.enqueue_job_v3('report_generation', 'r', '{}')")
    await regime.execute("set role service_role")
    assert [row["status"] for row in await regime.fetch("select * from public.job_queue")] == ["pending"]
    await regime.execute("reset role")
    assert not readable & {"exora.records", "exora.documents", "exora.objects", "exora.steps", "exora.patients"}
    for privilege in ("insert", "update", "delete", "truncate"):
        assert await _may(regime, privilege, "service_role") == set()


async def test_strangers_may_not_even_enter_the_schema(regime: asyncpg.Connection) -> None:
    assert not await regime.fetchval("select has_schema_privilege('anon', 'exora', 'usage')")
    for role in ("anon", "authenticated", "service_role"):
        assert not await regime.fetchval("select has_schema_privilege($1, 'exora', 'create')", role)


async def test_every_table_has_row_level_security_forced_and_a_policy_for_its_owner(
    regime: asyncpg.Connection,
) -> None:
    rows = await regime.fetch(
        """select 'exora.' || c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
                  array(select polname::text from pg_policy where polrelid = c.oid order by 1) as policies
             from pg_class c where c.relnamespace = 'exora'::regnamespace and c.relkind in ('r', 'p')"""
    )
    assert [row["name"] for row in rows if not row["forced"]] == []
    of_users = {"exora.documents", "exora.records"}
    for row in rows:
        users = ["users_read"] if row["name"] in of_users else []
        assert row["policies"] == ["owner_all", "service_reads", *users], row["name"]


async def test_every_function_runs_as_its_owner_with_an_empty_search_path(db: asyncpg.Connection) -> None:
    rows = await db.fetch(
        """select p.proname, p.prosecdef, p.proconfig from pg_proc p
            where p.pronamespace = 'exora'::regnamespace or p.proname = any ($1)""",
        list(door()),
    )
    assert {row["proname"] for row in rows} == {*functions(), "refuse_audit_change"}
    # Inlined into the statements of the others, or called by them alone: they run under those functions' settings.
    inlined = {
        "job_uuid",
        "job_number",
        "own_path",
        "whole_ids",
        "room_for_types",
        "backpressure_for_types",
        "api_uses",
    }
    pure = inlined | {"job_label", "field_pattern", "whoami_v3", "refuse_audit_change"}
    for row in rows:
        assert row["proname"] in inlined or 'search_path=""' in row["proconfig"], row["proname"]
        assert row["prosecdef"] or row["proname"] in pure, row["proname"]


async def test_no_function_name_is_overloaded(db: asyncpg.Connection) -> None:
    twice = await db.fetch(
        "select proname from pg_proc where proname = any ($1) group by proname having count(*) > 1", list(functions())
    )
    assert twice == []
