"""Score a record against what is printed on its document: matched, found and expected items of every list."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

from rich.table import Table

from exora.domain.record import Record

#: Names this alike are the same name with slips of the OCR in it.
SIMILAR = 0.85
#: The lists the acceptance limits are set on.
MAIN_LISTS = ("medications", "results", "conditions")
OTHER_LISTS = ("allergies", "immunizations", "procedures", "encounters")

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one list.

    Attributes:
        matched: expected items that were found.
        found: items in the record, without repeats of what the document itself repeats.
        expected: different items printed on the document.
    """

    matched: int = 0
    found: int = 0
    expected: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.matched + other.matched, self.found + other.found, self.expected + other.expected)

    @property
    def precision(self) -> float:
        """Share of the found items that are printed; 1 when nothing was found."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the printed items that were found; 1 when nothing is printed."""
        return self.matched / self.expected if self.expected else 1.0


@dataclass(frozen=True)
class Scores:
    """The tallies of one document, or of many added up.

    Attributes:
        lists: list name → tally.
        details: dose, route and frequency of the matched medications: right, given and printed.
    """

    lists: Mapping[str, Tally]
    details: Tally = Tally()

    def __add__(self, other: Scores) -> Scores:
        names = dict.fromkeys([*self.lists, *other.lists])
        lists = {name: self.lists.get(name, Tally()) + other.lists.get(name, Tally()) for name in names}
        return Scores(lists, self.details + other.details)

    @property
    def main(self) -> Tally:
        """Medications, results and conditions together (micro-average)."""
        return total(self.lists[name] for name in MAIN_LISTS)


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum of the tallies."""
    return sum(tallies, Tally())


def score(record: Record, truth: Mapping[str, Any]) -> Scores:
    """Compare a record with its document's truth file.

    Every truth entry is one printed mention. Mentions of the same thing (see ``_RULES``) are expected
    once; the record may repeat it as often as the page does, and every further repeat counts as found
    but not matched. Matching is one to one.
    """
    found_lists = record.model_dump(mode="json")
    lists: dict[str, Tally] = {}
    details = Tally()
    for name, rule in _RULES.items():
        pairs, lists[name] = _match(rule, found_lists[name], truth[name])
        if name == "medications":
            details = total(_detail(found, printed) for found, printed in pairs)
    return Scores(lists, details)


@dataclass(frozen=True)
class _Rule:
    """How items of one list compare.

    Attributes:
        exact: what must be equal, besides the name, for two items to match.
        which: what tells two printed mentions of equal name and ``exact`` apart; a mention without it
            repeats one that has it.
        named: whether the names must be alike.
    """

    exact: Callable[[Entry], tuple[object, ...]]
    which: Callable[[Entry], object]
    named: bool = True


def _nothing(_entry: Entry) -> None:
    return None


_RULES: Mapping[str, _Rule] = {
    "medications": _Rule(exact=lambda _: (), which=lambda entry: normal_text(entry.get("dose") or "") or None),
    "results": _Rule(
        exact=lambda entry: (normal_value(entry["value"]), normal_unit(entry.get("unit"))),
        which=lambda entry: entry.get("date"),
    ),
    "conditions": _Rule(exact=lambda entry: (entry["negated"], entry["subject"]), which=_nothing),
    "allergies": _Rule(exact=lambda entry: (entry["negated"],), which=_nothing),
    "immunizations": _Rule(exact=lambda entry: (entry.get("date"),), which=_nothing),
    "procedures": _Rule(exact=lambda _: (), which=lambda entry: entry.get("date")),
    "encounters": _Rule(exact=lambda entry: (entry.get("start"),), which=_nothing, named=False),
}


def _match(rule: _Rule, found: Sequence[Entry], printed: Sequence[Entry]) -> tuple[list[tuple[Entry, Entry]], Tally]:
    """Pair found items with printed mentions, one to one; the pairs are those that count as matched."""
    due = _due(rule, printed)
    candidates = [
        (not due[p], -_closeness(rule, item, mention), f, p)
        for f, item in enumerate(found)
        for p, mention in enumerate(printed)
        if rule.exact(item) == rule.exact(mention) and _likeness(rule, item, mention) >= SIMILAR
    ]
    taken_found: set[int] = set()
    taken_printed: set[int] = set()
    pairs: list[tuple[Entry, Entry]] = []
    for repeat, _, f, p in sorted(candidates):
        if f in taken_found or p in taken_printed:
            continue
        taken_found.add(f)
        taken_printed.add(p)
        if not repeat:
            pairs.append((found[f], printed[p]))
    repeats = len(taken_found) - len(pairs)
    return pairs, Tally(matched=len(pairs), found=len(found) - repeats, expected=sum(due))


def _due(rule: _Rule, printed: Sequence[Entry]) -> list[bool]:
    """For each mention, whether it is the one by which its thing is expected (else it is a repeat)."""
    due = [False] * len(printed)
    seen: set[tuple[object, ...]] = set()
    things: set[tuple[object, ...]] = set()
    # Mentions that say which one they mean come first: those that do not repeat one of them.
    for index in sorted(range(len(printed)), key=lambda i: rule.which(printed[i]) is None):
        mention = printed[index]
        which = rule.which(mention)
        thing = (normal_name(mention["name"]) if rule.named else "", rule.exact(mention))
        if (which is None and thing in things) or (thing, which) in seen:
            continue
        due[index] = True
        seen.add((thing, which))
        things.add(thing)
    return due


def _closeness(rule: _Rule, item: Entry, mention: Entry) -> float:
    """Likeness of the names, plus a preference for the mention that means the same dose or date."""
    same = rule.which(item) is not None and rule.which(item) == rule.which(mention)
    return _likeness(rule, item, mention) + same


def _likeness(rule: _Rule, item: Entry, mention: Entry) -> float:
    if not rule.named:
        return 1.0
    names = [mention["name"], *mention.get("accepted", ())]
    return max(likeness(item["name"], name) for name in names)


def _detail(found: Entry, printed: Entry) -> Tally:
    keys = ("dose", "route", "frequency")
    given = [normal_text(found.get(key) or "") for key in keys]
    wanted = [normal_text(printed.get(key) or "") for key in keys]
    right = sum(one == other for one, other in zip(given, wanted, strict=True) if other)
    return Tally(right, sum(map(bool, given)), sum(map(bool, wanted)))


def likeness(one: str, other: str) -> float:
    """0 to 1; 0 where digits, or "hyper" and "hypo", tell two names of few other differences apart."""
    first, second = normal_name(one), normal_name(other)
    if first == second:
        return 1.0
    if _telling(first) != _telling(second):
        return 0.0
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def _telling(name: str) -> list[str]:
    return re.findall(r"\d+|hyper|hypo", name)


def normal_text(text: str) -> str:
    """Case, accents' encoding, punctuation and spaces do not matter."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[^\w%]+|_", " ", folded).split())


_PRESSURE = (
    (re.compile(r"\b(systolic|sbp)\b"), "systolic blood pressure"),
    (re.compile(r"\b(diastolic|dbp)\b"), "diastolic blood pressure"),
)


def normal_name(name: str) -> str:
    """As ``normal_text``; blood pressure goes by one name, whether written the LOINC way or short."""
    text = normal_text(name)
    for pattern, canonical in _PRESSURE:
        if pattern.search(text):
            return canonical
    return text


def normal_value(value: str) -> object:
    """A number where it is one ("1,200" is 1200, "4.50" is 4.5), else the text."""
    text = "".join(value.split()).replace(",", "")
    try:
        return Decimal(text)
    except InvalidOperation:
        return text.casefold()


def normal_unit(unit: str | None) -> str:
    """Spellings of one unit are equal: "10^3/uL", "10*3/µL", "x10³/uL"; "mm Hg", "mmHg", "mm[Hg]"."""
    text = unicodedata.normalize("NFKC", unit or "").casefold().replace("μ", "u")
    return re.sub(r"[^\w%/]", "", text).removeprefix("x")


def table(scores: Mapping[str, Scores]) -> Table:
    """A table for people: one line a document, then the totals."""
    printed = Table(title="Extraction on the example documents (matched/found/expected, then precision and recall)")
    printed.add_column("document", no_wrap=True)
    for name in MAIN_LISTS:
        printed.add_column(name, justify="right")
    printed.add_column("precision", justify="right")
    printed.add_column("recall", justify="right")
    for name in (*OTHER_LISTS, "dose, route, freq."):
        printed.add_column(name, justify="right")
    for document, one in scores.items():
        printed.add_row(*_row(document, one))
    if scores:
        printed.add_section()
        printed.add_row(*_row("all", sum_of(scores.values())))
    return printed


def sum_of(scores: Iterable[Scores]) -> Scores:
    """All documents together."""
    return sum(scores, Scores({}))


def _row(document: str, one: Scores) -> list[str]:
    main = [_counts(one.lists[name]) for name in MAIN_LISTS]
    others = [_counts(one.lists[name]) for name in OTHER_LISTS]
    return [document, *main, f"{one.main.precision:.3f}", f"{one.main.recall:.3f}", *others, _counts(one.details)]


def _counts(tally: Tally) -> str:
    return f"{tally.matched}/{tally.found}/{tally.expected}" if tally.found or tally.expected else "-"
