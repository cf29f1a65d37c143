"""Labels that stand before colons and dashes all over a document: keys of cards, lists on one line, events by date."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from exora.documents.analysis.columns import LIST_OF_ROLE, role_of
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.draft import looks_like_sentence
from exora.documents.analysis.geometry import Row
from exora.documents.analysis.headings import Heading, heading_kind, short_label
from exora.documents.analysis.inference import is_date, is_figure, is_listed
from exora.documents.analysis.records import detail_of
from exora.documents.analysis.running import list_spans
from exora.documents.analysis.values import read_value
from exora.documents.analysis.wording import kind_of_title

_LINE = re.compile(r"([A-Z][^:;,=\d]{0,28}?)(: | = | [-–—] )(?=\S)")
_MEASURED = re.compile(r"(?:results?|measurements?|observations?|readings?|tests?|labs?)$", re.I)
#: A label that stands before so many entries tells their kind.
_RECURS = 3
#: So many labels before the same mark, two of them headings, make the lines of a document lists of their own.
_FEWEST_LINES, _KNOWN_LINES = 3, 2
#: Roles of labels that words behind them belie: "Takes" is "Taken" but for a letter.
_BELIED = frozenset(["date", "end", "value", "unit"])
#: So many dates that stand alone make a document a course of events.
_FEWEST_DAYS = 3
#: A name on a card runs over at most so many lines more.
_MORE_LINES = 2
#: A name that stands alone behind a label has at most so many words.
_NAME_WORDS = 6


class Labels:
    """The labels of a document, and what their places say of them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._counts = Counter(row.text.partition(":")[0] for row in rows if ": " in row.text)
        lines = [match for row in rows if (match := _LINE.match(row.text)) is not None]
        self._once = {label for label, count in Counter(match.group(1) for match in lines).items() if count == 1}
        self._marks = {mark for mark in {match.group(2) for match in lines} if self._are_lists(lines, mark)}
        days = [index for index, row in enumerate(rows) if len(row.segments) == 1 and is_date(row.text)]
        self._events: set[str] = set()
        if len(days) >= _FEWEST_DAYS:
            first = [rows[index + 1].text for index in days if index + 1 < len(rows)]
            self._events = {text.partition(": ")[0] for text in first if ": " in text}

    def _are_lists(self, lines: Sequence[re.Match[str]], mark: str) -> bool:
        labels = [line.group(1) for line in lines if line.group(2) == mark and self._is_told_once(line)]
        known = {heading_kind(label) or kind_of_title(label) or short_label(label) for label in labels}
        known -= {None, "patient", "other"}
        return len(labels) >= _FEWEST_LINES and len(known) >= _KNOWN_LINES

    def _is_told_once(self, line: re.Match[str]) -> bool:
        """Whether a label stands before one line, and before words rather than a date or a figure."""
        rest = line.string[line.end() :]
        dates = find_dates(rest)
        return line.group(1) in self._once and not (dates and dates[0].start == 0) and read_value(rest) is None

    def measured(self, row: Row, kind: str) -> Heading | None:
        """The heading of a result among entries of other kinds, each behind a word for its kind."""
        label, colon, rest = row.text.partition(": ")
        if not colon or kind in {"results", "vitals", "prose", ""} or self._counts[label] < _RECURS:
            return None
        named = _MEASURED.fullmatch(label) is not None and rest[:1].isalpha() and any(map(str.isdigit, rest))
        return Heading("results", len(label) + 1, label) if named else None

    def event(self, row: Row) -> Heading | None:
        """The heading of an event below its day: "Operation: Colonoscopy" where days stand alone on their lines."""
        label, colon, rest = row.text.partition(": ")
        if not colon or label not in self._events or is_date(rest) or len(row.segments) > 1:
            return None
        kind = heading_kind(label) or kind_of_title(label)
        return Heading(kind, len(label) + 1, label) if kind not in {None, "patient", "other"} and kind else None

    def line(self, row: Row) -> Heading | None:
        """The heading of a list on one line, in words that are on no list, among such lines whose labels are."""
        match = _LINE.match(row.text)
        if match is None or match.group(2) not in self._marks or not self._is_told_once(match):
            return None
        label, rest = match.group(1), row.text[match.end() :]
        role = role_of(label)
        named = role is None or role in LIST_OF_ROLE or role in _BELIED
        if len(label.split()) > 3 or not named or looks_like_sentence(rest):
            return None
        if is_listed(label) and short_label(label) is None:
            return None
        if len(list_spans(rest)) < 2 and len(rest.split()) > _NAME_WORDS:
            return None
        return Heading(short_label(label) or LIST_OF_ROLE.get(role or "", "other"), match.end() - 1, label)

    def opens_card(self, rows: Sequence[Row], index: int) -> bool:
        """Whether a row is the first of a card of keys and values: its key recurs, and a detail follows it."""
        label, colon, rest = rows[index].text.partition(": ")
        if not colon or not rest or self._counts[label] < 2 or len(rows[index].segments) > 1:
            return False
        below = [row for row in rows[index + 1 : index + 2 + _MORE_LINES] if row.page == rows[index].page]
        named = role_of(label) == "name" or role_of(label) in LIST_OF_ROLE
        if named and below and detail_of(below[0]) is not None:
            return True
        keyed = next((row for row in below if ": " in row.text), None)
        return keyed is not None and not self.is_detail(rows[index]) and self.is_detail(keyed)

    def is_detail(self, row: Row) -> bool:
        """Whether a row is a key that recurs with its date or measured value."""
        label, colon, rest = row.text.partition(": ")
        if not colon or not rest or self._counts[label] < 2 or len(row.segments) > 1:
            return False
        dates = find_dates(rest)
        return (bool(dates) and dates[0].start == 0 and is_date(rest)) or is_figure(rest)
