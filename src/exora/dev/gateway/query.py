"""The part of PostgREST's query language that callers of this project use: select, filters, order, limit, offset."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from exora.dev.gateway.catalog import literal, quoted
from exora.dev.gateway.faults import Refusal

_OPERATORS = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_RESERVED = frozenset({"select", "order", "limit", "offset", "apikey", "columns"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,]+)')


@dataclass(frozen=True, slots=True)
class Query:
    """SQL clauses for a row source ``_r``."""

    columns: str
    where: str
    page: str


def parse(items: Iterable[tuple[str, str]]) -> Query:
    """Read a query string, given as names and values.

    Raises:
        Refusal: PGRST100: it uses what this gateway does not know.
    """
    columns, order, page, conditions = "_r.*", "", "", []
    for name, text in items:
        if name == "select":
            if text not in ("", "*"):
                columns = ", ".join(f"_r.{_column(part.strip())}" for part in text.split(","))
        elif name == "order":
            order = f" order by {', '.join(_order(part) for part in text.split(','))}"
        elif name in ("limit", "offset"):
            if not (text.isascii() and text.isdigit()):
                raise _unknown(name)
            page += f" {name} {text}"
        elif name not in _RESERVED:
            conditions.append(_condition(name, text))
    return Query(columns, f" where {' and '.join(conditions)}" if conditions else "", order + page)


def _column(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _unknown("select")
    return quoted(name)


def _order(text: str) -> str:
    column, *how = text.split(".")
    words = {"asc": "asc", "desc": "desc", "nullsfirst": "nulls first", "nullslast": "nulls last"}
    if any(word not in words for word in how):
        raise _unknown("order")
    return " ".join([f"_r.{_column(column)}", *(words[word] for word in how)])


def _condition(name: str, text: str) -> str:
    """One filter. A value is a literal of unknown type, so that the column's type reads it, as in PostgREST."""
    operator, _, value = text.partition(".")
    negated = operator == "not"
    if negated:
        operator, _, value = value.partition(".")
    column = f"_r.{_column(name)}"
    if operator == "is" and value in ("null", "true", "false", "unknown"):
        sql = f"{column} is {value}"
    elif operator == "in" and value.startswith("(") and value.endswith(")"):
        listed = [escaped or bare for escaped, bare in _ITEM.findall(value[1:-1])]
        elements = ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in listed)
        sql = f"{column} = any ({literal('{' + elements + '}')})"
    elif operator in ("like", "ilike"):
        sql = f"{column}::text {operator} {literal(value.replace('*', '%'))}"
    elif operator in _OPERATORS:
        sql = f"{column} {_OPERATORS[operator]} {literal(value)}"
    else:
        raise _unknown(name)
    return f"not ({sql})" if negated else sql


def _unknown(name: str) -> Refusal:
    details = "The local gateway knows select, eq … in, order, limit and offset"
    return Refusal(400, "PGRST100", f"failed to parse {name}", details=details)
