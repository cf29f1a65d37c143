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
    table = Table("list", "item", "details", "date", "code", "page", "sure", title_justify="left")
    rows = [(name, item) for name in record.item_counts() for item in getattr(record, name)]
    for name, item in rows[:_MOST]:
        coding = f"{item.coding.system} {item.coding.code}" if item.coding else ""
        label = getattr(item, "name", None) or getattr(item, "kind", "")
        table.add_row(
            name, label, _details(item), item.date or "", coding, str(item.source.page), f"{item.confidence:.2f}"
        )
    console.print(table)
    if len(rows) > _MOST:
        console.print(f"… and {len(rows) - _MOST} more: add --json to see all")
    for warning in record.warnings:
        console.print(f"[yellow]warning[/]: {warning}")


def _details(item: Item) -> str:
    match item:
        case Medication():
            return _join((item.dose, item.route, item.frequency, item.status))
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
