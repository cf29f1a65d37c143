"""Tells boxes to tick among the words of a row: "[ ] Tuberculosis [X] Asthma" says one of the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Box = Literal["empty", "ticked", "word"]
_EMPTY = frozenset(["[]", "[_]", "[__]", "☐"])
_TICKED = frozenset(["[x]", "[v]", "[✓]", "[✔]", "☑", "☒"])
_MARKS = frozenset("xv✓✔")
#: Words between a ticked box and what it is about: "[X] Yes, list: Penicillin".
_LEADS = frozenset(["yes", "list", "specify", "describe", "explain"])


def boxes(words: Sequence[str]) -> list[Box]:
    """What each word of a row is: part of an empty box, part of a ticked one or what leads in behind it, or a word."""
    found: list[Box] = ["word"] * len(words)
    for at, word in enumerate(words):
        if word in _EMPTY:
            found[at] = "empty"
        elif word.lower() in _TICKED:
            found[at] = "ticked"
        elif word == "[" and words[at + 1 : at + 2] == ["]"]:
            found[at : at + 2] = ["empty", "empty"]
        elif word == "[" and words[at + 2 : at + 3] == ["]"] and words[at + 1].lower() in _MARKS:
            found[at : at + 3] = ["ticked", "ticked", "ticked"]
        elif at and found[at - 1] == "ticked" and word.lower().rstrip(",:;") in _LEADS and word[-1] in ",:;":
            found[at] = "ticked"
    return found
