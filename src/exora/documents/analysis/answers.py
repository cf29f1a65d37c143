"""Reads what a form's answers say of its rows: columns "Yes" and "No", a column of answers, "Asthma: No"."""

from __future__ import annotations

import re

from exora.documents.analysis.geometry import Row, Run

_YES, _NO = re.compile(r"y(?:es)?\??", re.I), re.compile(r"no?\??", re.I)
#: Headers of a column of answers.
_ASKED = re.compile(r"(?:yes ?(?:/|or) ?no|y ?/ ?n|present\??|answer|response)", re.I)
#: An answer that denies, and one that affirms.
_DENIED = re.compile(r"(?:no|n|never|denie[sd]|absent|none|not present)\b\.?", re.I)
_LEFT_OPEN = re.compile(r"[-–—_.\s]*")
#: A mark in a column has at most so many letters: "X", "✔", "yes", "[X]".
_MARK = 4
#: "Asthma: No", "Stroke ....... No", "Gout? No".
_ANSWER_BEHIND = re.compile(r"(?:\s*(?::|\?|\.{3,}|_{3,})\s*|\s[–—-]\s)(no|yes|n|y|denie[sd]|never)\.?$", re.I)
#: What a form asks, with what it tells to do next: "Any allergies? Yes If yes, specify:".
_TOLD_NEXT = r"(?:[\s,:;.()/_-]+(?:yes|no|y|n|if|so|please|specify|list|describe|explain|below|which|what|details))"
_QUESTION = re.compile(
    rf"(?:(?:any|do|does|did|is|are|has|have|had|was|were|what|which|when|who|how)\b[^?:;]{{3,80}}\?{_TOLD_NEXT}*|"
    rf"[^?:;]{{3,80}}\?{_TOLD_NEXT}+)[\s:.,_-]*",
    re.I,
)


def answer_columns(header: Row) -> dict[int, str]:
    """The answers that the segments of a table's header stand for, "yes", "no" or "asked", by their place."""
    texts = [segment.text for segment in header.segments]
    yes, no = ([at for at, text in enumerate(texts) if pattern.fullmatch(text)] for pattern in (_YES, _NO))
    if len(yes) == len(no) == 1:
        return {yes[0]: "yes", no[0]: "no"}
    return {at: "asked" for at, text in enumerate(texts) if at and _ASKED.fullmatch(text)}


def is_denied(record: dict[str, Run]) -> bool:
    """Whether a table's row is answered with No."""
    yes, no, asked = (record[role].text if role in record else "" for role in ("yes", "no", "asked"))
    if asked and _DENIED.fullmatch(asked):
        return True
    return _is_mark(no) and not _is_mark(yes)


def _is_mark(text: str) -> bool:
    return 0 < len(text) <= _MARK and _LEFT_OPEN.fullmatch(text) is None


def answer_behind(text: str) -> tuple[str, bool] | None:
    """What is asked on a line, and whether the answer is yes; None where the line holds no answer."""
    match = _ANSWER_BEHIND.search(text)
    if match is None or match.start() < 2:
        return None
    return text[: match.start()], match.group(1)[0].lower() == "y"


def is_question(text: str) -> bool:
    """Whether a line only asks, and tells what to do if the answer is yes."""
    return _QUESTION.fullmatch(text) is not None
