"""How a record looks on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from exora.domain.record import Condition, Item, Medication, Record, Result

_MOST = 40


def print_record(console: Console, record: Record) -> None:
    """Print a record: one table with what was found, where, and how surely."""
    patient = record.patient
    console.print(
        f"[bold]{record.document.type.replace('_', ' ')}[/], {record.document.pages} page(s), read by"
        f" {record.engines.ocr}, analyzed by {record.engines.analyzer}"
    )
    console.print(
        f"patient: {patient.name or '?'}, born {patient.birth_date or '?'}, {patient.sex or '?'}", highlight=False
    )
    table = Table("item", "details", "date", "code", "page", "sure", expand=False)
    left = _MOST
    for name in record.item_counts():
        items = getattr(record, name)
        if items and left > 0:
            table.add_section()
            table.add_row(f"[bold]{name}[/]")
            for item in items[:left]:
                table.add_row(*_row(item))
            left -= len(items)
    console.print(table)
    hidden = sum(record.item_counts().values()) - _MOST
    if hidden > 0:
        console.print(f"… and {hidden} more: add --json to see all")
    for warning in record.warnings:
        console.print(f"[yellow]warning[/]: {warning}")


def _row(item: Item) -> tuple[str, ...]:
    label = getattr(item, "name", None) or getattr(item, "kind", "")
    code = f"{item.coding.system} {item.coding.code}" if item.coding else ""
    return f"  {label}", _details(item), item.date or "", code, str(item.source.page), f"{item.confidence:.2f}"


def _details(item: Item) -> str:
    match item:
        case Medication():
            return _join((item.dose, item.route, item.frequency, "(stopped)" if item.status == "stopped" else None))
        case Result():
            limits = f"({item.range_low or ''}–{item.range_high or ''})" if item.range_low or item.range_high else None
            return _join((item.value, item.unit, item.flag, limits))
        case Condition():
            marks = ("negated" if item.negated else None, item.subject if item.subject == "family" else None)
            return _join((*marks, item.temporality if item.temporality != "current" else None))
        case _:
            return _join(
                (getattr(item, "reaction", None), getattr(item, "severity", None), getattr(item, "provider", None))
            )


def _join(parts: Iterable[str | None]) -> str:
    return " ".join(part for part in parts if part)
