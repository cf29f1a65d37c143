"""Whether a command printed what a page shows.

A page shows what somebody saw once: `…` stands for anything in a line, or for any lines where it is alone; times and
the widths of tables are nobody's promise. An id is another one each time: the first time a page shows one it is taken
to be the one that was printed, and from then on that one is meant.
"""

from __future__ import annotations

import re

_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TIME = re.compile(r"\d\d\d\d-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d)?")
_ANY = "…"


class Aliases:
    """What a page says, and what is meant here."""

    def __init__(self, **known: str) -> None:
        self._meant = dict(known)

    def __setitem__(self, said: str, meant: str) -> None:
        self._meant[said] = meant

    def __contains__(self, said: str) -> bool:
        return said in self._meant

    def meant(self, text: str) -> str:
        """A text with everything said replaced by what is meant."""
        for said in sorted(self._meant, key=len, reverse=True):
            text = text.replace(said, self._meant[said])
        return text


def matches(shown: str, printed: str, aliases: Aliases) -> bool:
    """Whether a page's output is what was printed. Ids that it shows for the first time are learned."""
    new: list[str] = []
    pattern = "".join(_line(line, aliases, new) for line in _tidy(shown))
    found = re.fullmatch(pattern, "".join(f"{line}\n" for line in _tidy(printed)))
    if found is None:
        return False
    for number, said in enumerate(new):
        aliases[said] = found[f"id{number}"]
    return True


def _tidy(text: str) -> list[str]:
    lines = (re.sub(r"[─━═┄]+", "─", re.sub(r"\s+", " ", line)).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _line(line: str, aliases: Aliases, new: list[str]) -> str:
    if line == _ANY:
        return r"(?:.*\n)*?"
    parts = re.split(f"({_ID.pattern}|{_TIME.pattern}|{_ANY})", line)
    return "".join(_part(part, aliases, new) for part in parts) + r"\n"


def _part(part: str, aliases: Aliases, new: list[str]) -> str:
    if part == _ANY:
        return ".*?"
    if _TIME.fullmatch(part):
        return re.sub(r"\d", r"\\d", re.escape(part))
    if _ID.fullmatch(part) and part not in aliases:
        if part in new:
            return f"(?P=id{new.index(part)})"
        new.append(part)
        return f"(?P<id{len(new) - 1}>{_ID.pattern})"
    return re.escape(aliases.meant(part))
