"""Finds dates in text and writes them as ISO 8601."""

from __future__ import annotations

import re
from typing import NamedTuple

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january"),
            ("feb", "february"),
            ("mar", "march"),
            ("apr", "april"),
            ("may",),
            ("jun", "june"),
            ("jul", "july"),
            ("aug", "august"),
            ("sep", "sept", "september"),
            ("oct", "october"),
            ("nov", "november"),
            ("dec", "december"),
        ),
        start=1,
    )
    for name in names
}
_MONTH = "(" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_YEAR = r"((?:18|19|20)\d\d)"
_PATTERNS = (
    (
        "ymd",
        re.compile(
            rf"(?<![\w/.-]){_YEAR}[-/.]([01]?\d)[-/.]([0-3]?\d)(?:[T ]?\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|"
            rf"[+-]\d\d:?\d\d)?)?(?![\d/])"
        ),
    ),
    ("mdy", re.compile(r"(?<![\w/.-])([0-3]?\d)([/.-])([0-3]?\d)\2((?:18|19|20)?\d\d)(?![\w/])")),
    ("dMy", re.compile(rf"(?<![\w/])([0-3]?\d)(?:st|nd|rd|th)?(?: of)?[ -]{_MONTH}[ ,-]{{1,2}}{_YEAR}(?!\d)", re.I)),
    ("Mdy", re.compile(rf"(?<!\w){_MONTH}[ -]([0-3]?\d)(?:st|nd|rd|th)?(?:, ?| |-){_YEAR}(?!\d)", re.I)),
    ("My", re.compile(rf"(?<!\w){_MONTH}[ ,-]{{1,2}}{_YEAR}(?!\d)", re.I)),
    ("ym", re.compile(rf"(?<![\w/.-]){_YEAR}-([01]\d)(?![\w/-])")),
    ("my", re.compile(rf"(?<![\w/.-])([01]?\d)/{_YEAR}(?![\w/])")),
)
_YEAR_ALONE = re.compile(rf"(?<![\w/.-]){_YEAR}(?![\w/%-]|\.\d)")
_LETTERS_FOR_DIGITS = str.maketrans("OoQlI|", "000111")
_DATE_LIKE = re.compile(r"(?<!\S)[\dOoQlI|]{1,4}[-/.][\dOoQlI|]{1,2}[-/.][\dOoQlI|]{1,4}(?![\w/])")


class Date(NamedTuple):
    """A date found at ``text[start:end]``, as ISO 8601 with the precision it was printed in."""

    start: int
    end: int
    iso: str


def _iso(year: str, month: int, day: int) -> str | None:
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < 50 else 1900
    if not 1 <= month <= 12 or not 1 <= day <= 31 or number < 1850:
        return None
    return f"{number:04d}-{month:02d}-{day:02d}"


def _read(kind: str, groups: tuple[str, ...]) -> str | None:
    match kind:
        case "ymd":
            return _iso(groups[0], int(groups[1]), int(groups[2]))
        case "mdy":
            first, second, year = int(groups[0]), int(groups[2]), groups[3]
            return _iso(year, second, first) if first > 12 else _iso(year, first, second)
        case "dMy":
            return _iso(groups[2], _MONTHS[groups[1].lower()], int(groups[0]))
        case "Mdy":
            return _iso(groups[2], _MONTHS[groups[0].lower()], int(groups[1]))
        case "My":
            return f"{groups[1]}-{_MONTHS[groups[0].lower()]:02d}"
        case "ym":
            return f"{groups[0]}-{groups[1]}" if 1 <= int(groups[1]) <= 12 else None
        case _:
            return f"{groups[1]}-{int(groups[0]):02d}" if 1 <= int(groups[0]) <= 12 else None


def find_dates(text: str, *, years: bool = False) -> list[Date]:
    """All dates in ``text``, in order, never overlapping.

    A date like 03/04/2019 is read month first, as in the United States, unless the first number is over 12.

    Args:
        text: any text; O, l and I inside a date's digits are read as 0 and 1.
        years: whether a year alone counts as a date.
    """
    if not any(map(str.isdigit, text)):
        return []
    clear = _DATE_LIKE.sub(lambda match: match.group().translate(_LETTERS_FOR_DIGITS), text)
    found: list[Date] = []
    patterns = (*_PATTERNS, ("y", _YEAR_ALONE)) if years else _PATTERNS
    for kind, pattern in patterns:
        for match in pattern.finditer(clear):
            iso = match.group(1) if kind == "y" else _read(kind, match.groups())
            if iso and not any(d.start < match.end() and match.start() < d.end for d in found):
                found.append(Date(match.start(), match.end(), iso))
    return sorted(found)


def first_date(text: str, *, years: bool = True) -> str | None:
    """The first date in ``text`` as ISO 8601, or None."""
    dates = find_dates(text, years=years)
    return dates[0].iso if dates else None
