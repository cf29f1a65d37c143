"""Puts labels that stand in the left margin, beside the lists they name, above them as headings."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from exora.documents.analysis.columns import role_of
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.headings import heading_kind
from exora.documents.analysis.inference import header_at
from exora.documents.analysis.wording import kind_of_title

#: Labels, and what stands beside them, start at the same heights, give or take so many letters.
_ALIGNED = 1.0
#: Lines of one field stand at most this many times as far apart as the nearest lines do.
_SAME_FIELD = 1.2
#: Labels that are headings make up this much of them, and name so many lists at least.
_HALF, _LISTS = 0.5, 2
#: A form with labels in its margin takes at most so many rows; a longer one is read in parts.
_MOST_ROWS = 60


@dataclass
class _Field:
    label: list[Run]
    first: Row
    rest: list[Row] = field(default_factory=list)


def labels_above_lists(rows: Sequence[Row]) -> list[Row]:
    """The rows of a page, with each label of a form's left column as a row of its own above what is beside it."""
    ordered: list[Row] = []
    index = 0
    while index < len(rows):
        block = _block(rows, index)
        if block is None:
            ordered.append(rows[index])
            index += 1
            continue
        fields, index = block
        for one in fields:
            label = Run(token for line in one.label for token in line.tokens)
            ordered.append(Row(one.first.page, one.first.y, one.first.height, (label,)))
            ordered.extend(one.rest)
    return ordered


def _kind(text: str) -> str | None:
    bare = text.rstrip(" :")
    if ": " in bare or any(map(str.isdigit, bare)):
        return None
    return heading_kind(bare) or kind_of_title(bare)


def _block(rows: Sequence[Row], index: int) -> tuple[list[_Field], int] | None:
    """The fields of the form that starts at a row, and the index of the first row after it; None if none does."""
    top = rows[index]
    if len(top.segments) < 2 or _kind(top.segments[0].text) is None or role_of(top.segments[1].text) is not None:
        return None
    left, right = top.x0, top.segments[1].x0
    end = index
    while end < min(len(rows), index + _MOST_ROWS) and _fits(rows[end], top.page, left, right):
        end += 1
    while end > index and rows[end - 1].x0 < right - _ALIGNED and len(rows[end - 1].segments) == 1:
        # A word alone in the margin below the last field is no part of it.
        end -= 1
    body = rows[index:end]
    gaps = [below.y - above.y for above, below in itertools.pairwise(body)]
    near = _SAME_FIELD * min(gaps, default=0.0)
    near = near if max(gaps, default=0.0) > near else 0.0
    fields: list[_Field] = []
    for place, row in enumerate(body):
        label = row.segments[0] if row.x0 < right - _ALIGNED else None
        rest = row.segments[1:] if label is not None else row.segments
        goes_on = place > 0 and label is not None and gaps[place - 1] <= near and _goes_on(fields[-1], label)
        if label is not None and not goes_on:
            fields.append(_Field([label], row))
        elif label is not None:
            fields[-1].label.append(label)
        if rest:
            fields[-1].rest.append(Row(row.page, row.y, row.height, rest))
    kinds = [_kind(" ".join(line.text for line in one.label)) for one in fields]
    known = [kind for kind in kinds if kind is not None]
    if len(set(known)) < _LISTS or len(known) <= _HALF * len(kinds):
        return None
    if any(heading_kind(row.segments[0].text.rstrip(" :")) is not None for one in fields for row in one.rest):
        # A second column with headings of its own.
        return None
    if any(header_at(rows, at) is not None for at in range(index, end) if rows[at].x0 < right - _ALIGNED):
        return None
    return fields, end


def _fits(row: Row, page: int, left: float, right: float) -> bool:
    """Whether a row belongs to a form: a label in the margin, something beside it, or both, and nothing across."""
    if row.page != page:
        return False
    if row.x0 >= right - _ALIGNED:
        return True
    first = row.segments[0]
    beside = len(row.segments) < 2 or abs(row.segments[1].x0 - right) <= _ALIGNED
    return abs(first.x0 - left) <= _ALIGNED and first.x1 < right and beside


def _goes_on(above: _Field, label: Run) -> bool:
    """Whether a word in the margin is the second line of the label right above it."""
    kinds = {_kind(label.text), _kind(" ".join(line.text for line in above.label))} - {None}
    return len(kinds) < 2
