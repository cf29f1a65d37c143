"""Turns drafts into items of the record: checks every quote against its page, then merges doubles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from exora.documents.analysis import coding
from exora.documents.analysis.draft import Draft
from exora.documents.analysis.geometry import Token
from exora.documents.analysis.lexicon import normal_key
from exora.documents.analysis.text import Place
from exora.domain.document import PageText
from exora.domain.record import (
    ITEM_LISTS,
    Coding,
    Item,
    Source,
)

#: A quote may hold this many words of other items per word of its own before only the name is quoted.
_FOREIGN = 1.5
AnyItem = TypeVar("AnyItem", bound=Item)


def quoted(draft: Draft, page: PageText) -> tuple[str, list[Token]]:
    """The draft's quote and the words it covers: the span of all its words, or only of the first ones that stand
    together where other text lies between."""
    tokens = [token for token in draft.run.tokens if token.page == page.number]
    ordered = sorted(tokens, key=lambda token: token.index)
    spanned = ordered[-1].index - ordered[0].index + 1
    if spanned - len(ordered) > _FOREIGN * len(ordered):
        first = tokens[0].index
        indexes = {token.index for token in ordered}
        last = first
        while last + 1 in indexes:
            last += 1
        ordered = [token for token in ordered if first <= token.index <= last]
    return page.text[ordered[0].start : ordered[-1].end], ordered


def source_of(draft: Draft, pages: dict[int, PageText], places: Sequence[Place] | None) -> Source | None:
    """Where the draft was read, or None if its words are not in the page's text."""
    if not draft.run.tokens:
        return None
    page = pages[draft.run.tokens[0].page]
    words = page.words
    mine = [token for token in draft.run.tokens if token.page == page.number]
    if any(token.index >= len(words) or words[token.index].text != token.text for token in mine):
        return None
    quote, tokens = quoted(draft, page)
    if not stands_in(quote, page):
        return None
    if places is not None and page.layout is not None:
        first, last = places[tokens[0].index], places[tokens[-1].index]
        return Source(page=page.number, quote=quote, start=first.start, end=last.end)
    boxes = [words[t.index].box for t in mine]
    known = [box for box in boxes if box is not None]
    if not known:
        return Source(page=page.number, quote=quote)
    box = known[0]
    for other in known[1:]:
        box = box.union(other)
    return Source(page=page.number, quote=quote, box=(box.x0, box.y0, box.x1, box.y1))


def stands_in(quote: str, page: PageText) -> bool:
    """The one rule that keeps invented items out: a quote must be part of its page's text, letter for letter."""
    return bool(quote.strip()) and quote in page.text


def confidence_of(draft: Draft) -> float:
    """Mean confidence of the words read, weighted by length, times the confidence of the extraction."""
    letters = sum(len(token.text) for token in draft.run.tokens)
    words = sum(token.confidence * len(token.text) for token in draft.run.tokens) / max(letters, 1)
    return round(min(max(words * draft.extraction, 0.0), 1.0), 4)


def _coding(draft: Draft) -> Coding | None:
    match draft.list_name:
        case "conditions":
            return coding.printed_condition_coding(draft.run.text) or coding.condition_coding(draft.name)
        case "medications":
            return coding.medication_coding(draft.name, draft.fields.get("dose"))
        case "results":
            return coding.result_coding(draft.name)
        case "immunizations":
            return coding.vaccine_coding(draft.name)
        case _:
            return None


def build_items(
    drafts: Sequence[Draft], pages: Sequence[PageText], places: Sequence[Place] | None = None
) -> dict[str, list[Any]]:
    """The items of every list, in the document's order, without doubles and without any that its page does not hold."""
    by_number = {page.number: page for page in pages}
    kept: dict[str, list[Any]] = {name: [] for name in ITEM_LISTS}
    for draft in drafts:
        source = source_of(draft, by_number, places)
        if source is None or not draft.name:
            continue
        label = "kind" if draft.list_name == "encounters" else "name"
        item = ITEM_LISTS[draft.list_name].model_validate(
            {
                label: draft.name,
                "date": draft.date,
                "coding": _coding(draft),
                "source": source,
                "confidence": confidence_of(draft),
                **draft.fields,
            }
        )
        kept[draft.list_name].append(item)
    return {name: merge(items, name) for name, items in kept.items()}


def _identity(item: Any, list_name: str) -> tuple[object, ...]:
    """What two mentions of one thing share, apart from a date or dose that one of them may lack."""
    if list_name == "encounters":
        return (normal_key(item.kind),) if item.start is None else ("", item.start)
    key: tuple[object, ...] = (normal_key(item.name) or item.name,)
    if list_name == "results":
        return (*key, item.value)
    if list_name == "conditions":
        return (*key, item.negated, item.subject)
    return key


def _open_field(item: Any, list_name: str) -> str | None:
    """The field that parts two items of one identity if both have it and differ."""
    if list_name == "medications":
        return normal_key(item.dose) if item.dose else None
    value: str | None = item.date
    return value


def merge(items: Sequence[AnyItem], list_name: str) -> list[AnyItem]:
    """One item for each thing: mentions of the same name and date (for medicines: dose) become one, the one with
    more fields; what it lacks is taken from the other."""
    merged: list[AnyItem] = []
    by_identity: dict[tuple[object, ...], list[int]] = {}
    for item in items:
        identity = _identity(item, list_name)
        mine = _open_field(item, list_name)
        places = by_identity.setdefault(identity, [])
        for index in places:
            theirs = _open_field(merged[index], list_name)
            if mine == theirs or mine is None or theirs is None:
                merged[index] = _richer(merged[index], item)
                break
        else:
            places.append(len(merged))
            merged.append(item)
    return merged


def _richer(a: AnyItem, b: AnyItem) -> AnyItem:
    def weight(item: AnyItem) -> tuple[int, float]:
        values = [getattr(item, name) for name in type(item).model_fields]
        return sum(1 for value in values if value not in (None, "unknown")), item.confidence

    best, other = (a, b) if weight(a) >= weight(b) else (b, a)
    missing = {
        name: value
        for name in type(best).model_fields
        if getattr(best, name) in (None, "unknown") and (value := getattr(other, name)) not in (None, "unknown")
    }
    return best.model_copy(update=missing) if missing else best
