"""Reads records written over several rows: keys with values, and names with details set in below them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exora.documents.analysis.columns import role_of
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.doses import read_medication
from exora.documents.analysis.draft import is_nothing, strip_bullet
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.inference import is_date, is_figure
from exora.documents.analysis.lexicon import drugs
from exora.documents.analysis.lists import has_bullet, wraps
from exora.documents.analysis.tables import key_and_value, key_value_record
from exora.documents.analysis.values import read_value

Record = dict[str, Run]
#: What the row of a detail may tell of the name above it.
_TOLD = frozenset(
    "date end value unit range flag status reaction severity dose strength route frequency sig provider facility "
    "reason code lot ignored".split()
)
_LONGEST_KEY = 32
_DIRECTIONS = re.compile(
    r"(?:(?:take|inhale|apply|inject|use|give|place|instil+)\b(?! (?:of|down)\b)|\d+ (?:tab|cap|puff|drop))", re.I
)
#: "Reference range 26.0 to 42.2 %", "Normal: 0.5-0.9 ng/mL".
_RANGE_SAID = re.compile(
    r"(?:standard|reference|ref\.?|normal|expected|usual|target)(?:\s+(?:range|interval|values?|limits))?\s*:?\s+"
    r"(?=[<>≤≥]?\s?\d)",
    re.I,
)
#: A detail stands this many letters to the right of the name.
_SET_IN = 1.0


def keyed_records(rows: Sequence[Row], name_roles: frozenset[str]) -> tuple[list[Record], list[Row]]:
    """Records written as "Key: value" rows, each starting at a key that names the item; and the other rows."""
    records: list[list[Row]] = []
    others: list[Row] = []
    widest = max((row.x1 for row in rows), default=0.0)
    joined = [_keys_with_values(row) for row in rows]
    inferred = _roles_of_keys(joined, name_roles)
    for row in joined:
        pairs = [key_and_value(segment, inferred) for segment in row.segments]
        roles = {pair[0] for pair in pairs if pair}
        if roles & name_roles:
            records.append([row])
        elif roles and records and all(pairs):
            records[-1].append(row)
        elif not roles and records and _goes_on(records[-1][-1], row, widest):
            # The value above runs on.
            last = records[-1][-1]
            records[-1][-1] = Row(last.page, row.y, last.height, (*last.segments[:-1], last.segments[-1] + row.run))
        else:
            others.append(row)
    return [key_value_record(group, inferred) for group in records], others


def _roles_of_keys(rows: Sequence[Row], name_roles: frozenset[str]) -> dict[str, str]:
    """The roles of keys in words that name none, by what stands behind them all over a section.

    Of those with words behind them the one that opens the cards names what they are about, unless another key does.
    """
    values: dict[str, list[str]] = {}
    for segment in (segment for row in rows for segment in row.segments):
        key, colon, value = segment.text.partition(": ")
        if colon and len(key) < _LONGEST_KEY and value:
            values.setdefault(key.strip(" -•*"), []).append(value)
    several = {key: found for key, found in values.items() if len(found) > 1}
    roles: dict[str, str] = {}
    for key, found in several.items():
        if all(map(is_date, found)):
            roles[key] = role_of(key) if role_of(key) in {"date", "end"} else "date"  # type: ignore[assignment]
        elif all(map(is_figure, found)) and role_of(key) is None:
            roles[key] = "value"
    if not roles or any(role_of(key) in name_roles for key in values):
        return roles
    wordy = [key for key in several if key not in roles and role_of(key) in {None, "date", "end", "reason"}]
    first = next(iter(several))
    return {**roles, first: "name"} if first in wordy else roles


def _goes_on(above: Row, row: Row, widest: float) -> bool:
    if len(row.segments) > 1 or len(above.segments) > 1 or has_bullet(row):
        return False
    return row.text[0].islower() or row.text[0] in "([/&" or above.text.endswith(",") or wraps(above, row, widest)


def _keys_with_values(row: Row) -> Row:
    """The row with a key that stands alone ("Agent:") joined to the value in the next segment."""
    segments: list[Run] = []
    for segment in row.segments:
        if segments and segments[-1].text.endswith(":") and not segment.text.endswith(":"):
            segments[-1] = segments[-1] + segment
        else:
            segments.append(segment)
    return Row(row.page, row.y, row.height, tuple(segments))


def detail_of(row: Row) -> tuple[str, Run] | None:
    """Role and value of a row that only tells something of the name above it: "Noted 3 May 2016", "Reaction: hives"."""
    if len(row.segments) != 1:
        return None
    run = row.segments[0]
    start = strip_bullet(run.text)
    bare = run.part(start, len(run.text)) if start else run
    if said := _RANGE_SAID.match(bare.text):
        return "range", bare.part(said.end(), len(bare.text))
    if pair := key_and_value(bare):
        return pair if _is_told(*pair) else None
    dates = find_dates(bare.text)
    if len(dates) == 1 and dates[0].start > 2 and not bare.text[dates[0].end :].strip(" .)"):
        label = bare.text[: dates[0].start].strip(" :-–(")
        if label and role_of(label) in {"date", "end"}:
            return role_of(label) or "date", bare.part(dates[0].start, len(bare.text))
    if _DIRECTIONS.match(bare.text) and not any(drugs().find(bare.text)):
        sig = read_medication("Medicine, " + bare.text)
        return ("sig", bare) if sig.dose or sig.frequency or sig.route else None
    return None


def _is_told(role: str, cell: Run) -> bool:
    """Whether a cell is what its label promises: a date for a date, a value for a value."""
    if role in {"date", "end"}:
        dates = find_dates(cell.text)
        return bool(dates) and dates[0].start == 0
    return role in _TOLD and (role != "value" or read_value(cell.text) is not None)


def detailed_records(rows: Sequence[Row]) -> tuple[list[Record], list[Row]]:
    """Names that have rows of details below them, as records; and the rows of names without any.

    A row is a detail by its label, or where it is set in below the name under a bullet of its own.
    """
    if not any(map(detail_of, rows)):
        return [], list(rows)
    records: list[Record] = []
    others: list[Row] = []
    named: list[Row] = []
    told: Record = {}
    widest = max(row.x1 for row in rows)

    def close() -> None:
        if named and told:
            records.append({"name": _name(named), **told})
        else:
            others.extend(named)

    for row in rows:
        detail = detail_of(row) if named else None
        if detail is None and named and told and row.x0 > named[0].x0 + _SET_IN and len(row.segments) == 1:
            detail = ("note", row.run)
        if detail is None and named and has_bullet(row) and row.x0 > named[0].x0 + _SET_IN:
            detail = ("note", row.run)
        if detail is None and told and all(is_figure(segment.text) for segment in row.segments):
            # What stands below a bar that is drawn for the range.
            detail = ("note", row.run)
        if detail is not None:
            told.setdefault(*detail)
        elif named and not told and wraps(named[-1], row, widest) and not has_bullet(row):
            named.append(row)
        else:
            close()
            named, told = [row], {}
    close()
    return records, others


def _name(rows: Sequence[Row]) -> Run:
    run = Run(token for row in rows for token in row.run.tokens)
    start = strip_bullet(run.text)
    bare = run.part(start, len(run.text)) if start else run
    return bare if bare and not is_nothing(bare.text) else run
