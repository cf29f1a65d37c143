"""Tells boxes to tick among the words of a row: "[ ] Tuberculosis [X] Asthma" says one of the two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

Box = Literal["empty", "ticked", "word"]
_EMPTY = frozenset(["[]", "[_]", "[__]", "()", "(_)", "☐"])
_TICKED = frozenset(["[x]", "[v]", "[✓]", "[✔]", "(x)", "(✓)", "(✔)", "☑", "☒"])
_MARKS = frozenset("xv✓✔")
_CLOSING = {"[": "]", "(": ")"}
#: Signs that are bullets on one page, and boxes on another that ticks some of them.
_SQUARES, _TICKS = frozenset("□❏❑❐❒▢◻⬜"), frozenset("✓✔✗✘■◼")
#: Words between a ticked box and what it is about: "[X] Yes, list: Penicillin".
_LEADS = frozenset(["yes", "list", "specify", "describe", "explain"])


def squares_are_boxes(words: Iterable[str]) -> bool:
    """Whether bare squares on a page are boxes to tick rather than bullets: some are ticked, and some are not."""
    seen = set(words)
    return not seen.isdisjoint(_SQUARES) and not seen.isdisjoint(_TICKS | _TICKED)


def boxes(words: Sequence[str], *, squares: bool = False) -> list[Box]:
    """What each word of a row is: part of an empty box, part of a ticked one or what leads in behind it, or a word.

    Args:
        words: the row's words.
        squares: whether bare squares and ticks are boxes on this page.
    """
    found: list[Box] = ["word"] * len(words)
    for at, word in enumerate(words):
        if word in _EMPTY or (squares and word in _SQUARES):
            found[at] = "empty"
        elif word.lower() in _TICKED or (squares and word in _TICKS):
            found[at] = "ticked"
        elif word in _CLOSING and words[at + 1 : at + 2] == [_CLOSING[word]]:
            found[at : at + 2] = ["empty", "empty"]
        elif word in _CLOSING and words[at + 2 : at + 3] == [_CLOSING[word]] and words[at + 1].lower() in _MARKS:
            found[at : at + 3] = ["ticked", "ticked", "ticked"]
        elif at and found[at - 1] == "ticked" and word.lower().rstrip(",:;") in _LEADS and word[-1] in ",:;":
            found[at] = "ticked"
    return found
