"""What the gateway knows of schema public: the functions with their arguments and the shape of what they return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

from exora.dev.gateway.faults import Refusal

_FUNCTIONS = """
select p.proname, coalesce(p.proargnames, '{}') as names, p.proargmodes::text[] as modes, p.pronargs, p.pronargdefaults,
       array(select pg_catalog.format_type(a, null) from unnest(p.proargtypes) with ordinality as t (a, n) order by n)
         as types,
       p.proretset, p.provolatile <> 'v' as reads, p.prorettype = 'void'::regtype as void,
       t.typtype in ('c', 'p') and p.prorettype <> 'void'::regtype or 't' = any (coalesce(p.proargmodes, '{}'))
         or 'o' = any (coalesce(p.proargmodes, '{}')) as composite
  from pg_catalog.pg_proc p join pg_catalog.pg_type t on t.oid = p.prorettype
 where p.pronamespace = 'public'::regnamespace and p.prokind = 'f'"""


def quoted(name: str) -> str:
    """An identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A string for SQL; PostgreSQL has no character 0."""
    return "'" + value.replace("\0", "").replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Function:
    """One function: its input arguments with their types, and what it returns."""

    name: str
    arguments: dict[str, str]
    required: frozenset[str]
    returns_set: bool
    composite: bool
    void: bool
    reads_only: bool

    def takes(self, names: frozenset[str]) -> bool:
        """Whether it can be called with these named arguments: a match is on the set of names."""
        return self.required <= names <= self.arguments.keys()

    def call(self, names: frozenset[str]) -> str:
        """The FROM items that call it with a JSON object ($1) of these arguments; the result is ``_r``."""
        passed = ", ".join(f"{quoted(name)} := _a.{quoted(name)}" for name in sorted(names))
        columns = ", ".join(f"{quoted(name)} {self.arguments[name]}" for name in sorted(names))
        source = f"pg_catalog.json_to_record($1::json) as _a ({columns}), lateral " if names else ""
        alias = "_r" if self.composite else "_r (value)"
        return f"{source}public.{quoted(self.name)}({passed}) as {alias}"


class Catalog:
    """Functions by name, as they were when last read; PostgREST caches them in the same way."""

    def __init__(self) -> None:
        self._functions: dict[str, list[Function]] = {}

    async def load(self, connection: Any) -> None:
        """Read them anew."""
        found: dict[str, list[Function]] = {}
        for row in await connection.fetch(_FUNCTIONS):
            found.setdefault(row["proname"], []).append(_function(row))
        self._functions = found

    def function(self, name: str, names: frozenset[str]) -> Function:
        """The function that takes these arguments.

        Raises:
            Refusal: none does (PGRST202), or several (PGRST203).
        """
        fitting = [function for function in self._functions.get(name, []) if function.takes(names)]
        if len(fitting) == 1:
            return fitting[0]
        arguments = f"public.{name}({', '.join(sorted(names))})"
        if fitting:
            raise Refusal(300, "PGRST203", f"Could not choose the best candidate function between: {arguments}")
        raise Refusal(
            404,
            "PGRST202",
            f"Could not find the function {arguments} in the schema cache",
            details="Searched for the function with these arguments, but no matches were found.",
        )


def _function(row: asyncpg.Record) -> Function:
    names, modes = list(row["names"]), row["modes"]
    inputs = [name for n, name in enumerate(names) if modes is None or modes[n] in ("i", "b", "v")]
    types = list(row["types"])
    return Function(
        name=row["proname"],
        arguments=dict(zip(inputs, types, strict=False)),
        required=frozenset(inputs[: row["pronargs"] - row["pronargdefaults"]]),
        returns_set=row["proretset"],
        composite=row["composite"],
        void=row["void"],
        reads_only=row["reads"],
    )
