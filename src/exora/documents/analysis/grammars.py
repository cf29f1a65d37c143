"""Where a grammar knows better than the models: points in time, and the ranges that results are compared with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from exora.documents.analysis.expressions import names_no_point, points_in_time


class Entity(NamedTuple):
    """An entity at ``text[start:end]``, its kind and the model's probability of it."""

    start: int
    end: int
    kind: str
    probability: float


#: From this probability on a date counts that the grammar of points in time does not know.
_SURE_OF_A_DATE = 0.9
#: A point in time holds nothing of these kinds: "1st POD" is no value.
_NEVER_WITHIN = frozenset({"problem", "test", "value"})
_AMOUNT = r"\d+(?:[.,]\d+)*"
#: "(normal range 3.5-5.0)", "RV: 0-5"; what stands in the brackets before it is the result.
_REFERENCE = re.compile(
    r"(?:\b(?:normal|reference|ref\.?)\s(?:range|value|limit|interval)s?|[;,(\[]\s?(?:normal|reference|ref\.?)|"
    r"\b(?:RV|NR|n\.?\s?v\b\.?))\s?(?:is\b|of\b)?"
    rf"[\s:,=]*[<>≤≥]?\s?{_AMOUNT}(?:[^()\[\];.,]|[.,]\d){{0,30}}"
)
#: "8.6 g/dL (12-16 g/dL)", "61 u/L (<45)".
_BESIDE = re.compile(
    rf"(?<=[\dA-Za-z%])\s*[(\[]\s*(?:{_AMOUNT}\s?(?:-|–|to)\s?{_AMOUNT}|[<>≤≥]\s?{_AMOUNT})"
    r"(?![^)]*(?:centile|score))[^\d,;()\[\]]{0,14}[)\]]"
)


def with_points_in_time(text: str, found: Sequence[Entity]) -> list[Entity]:
    """The entities with the points in time that the grammar knows; of the model's own dates, those it is sure of."""
    points = points_in_time(text)
    kept = [
        entity
        for entity in found
        if entity.kind != "date"
        or any(entity.start < end and start < entity.end for start, end in points)
        or (entity.probability >= _SURE_OF_A_DATE and not names_no_point(text, entity.start, entity.end))
    ]
    points = [
        (a, b)
        for a, b in points
        if all(b <= e.start or e.end <= a or (e.kind in _NEVER_WITHIN and a <= e.start and e.end <= b) for e in kept)
    ]
    kept = [entity for entity in kept if all(b <= entity.start or entity.end <= a for a, b in points)]
    return sorted([*kept, *(Entity(a, b, "date", _SURE_OF_A_DATE) for a, b in points)])


def without_references(text: str, found: Sequence[Entity]) -> list[Entity]:
    """The entities without the ranges of reference taken for values, and their names for tests."""
    spans = [match.span() for match in _REFERENCE.finditer(text)]
    values = (entity for entity in found if entity.kind == "value")
    figures = {value.end for value in values if any(map(str.isdigit, text[value.start : value.end]))}
    spans += [match.span() for match in _BESIDE.finditer(text) if match.start() in figures]
    return [
        entity
        for entity in found
        if entity.kind not in ("value", "test")
        or all(entity.start < start or end <= entity.start for start, end in spans)
    ]
