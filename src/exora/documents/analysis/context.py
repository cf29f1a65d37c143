"""Tells whether a mention is negated, historical, hypothetical or about a relative: rules after NegEx and ConText.

Chapman et al. 2001 (NegEx) and Harkema et al. 2009 (ConText) describe the method: trigger phrases act
on what follows them (or precedes them) up to a terminating word, within one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

_NEGATED_BEFORE = re.compile(
    r"\b(?:no(?! (?:increase|change|longer|significant change))|not (?!only|necessarily|certain|sure)|denie[sd]|"
    r"denying|"
    r"without|negative for|absence of|free of|rules? out|"
    r"ruled out|never (?:had|developed|experienced)|no (?:evidence|signs?|history|complaints?|findings?) (?:of|for)|"
    r"lack of|declines|nor|neither|unremarkable for|fails? to reveal|did not (?:have|show|reveal)|cannot|didn't|"
    r"doesn't|don't|isn't|wasn't|resolution of|ruled the patient out for)\b",
    re.I,
)
_NOT_NEGATION = re.compile(
    r"\b(?:not only|no increase|no change|no longer|without difficulty|not certain|not necessarily|"
    r"no significant change|"
    r"no further|gram negative)\b",
    re.I,
)
_NEGATED_AFTER = re.compile(
    r"^\W{0,3}(?:\w+ ){0,3}?(?:(?:was|were|is|are|has been|have been) (?:ruled out|absent|negative|not (?:seen|"
    r"present|found|"
    r"identified|noted|appreciated|demonstrated))|unlikely|absent\b|not (?:seen|present|identified)|: ?(?:no\b|"
    r"none|negative|denies))",
    re.I,
)
_HISTORICAL = re.compile(
    r"\b(?:(?:past |prior |previous |remote |known )?(?:medical |"
    r"surgical )?history(?! of present)(?: is)?(?: significant| notable| remarkable)? "
    r"(?:of|for|includes?|positive for)|h/o|hx(?: of)?|history:|past medical history|status post|s/p|previously|"
    r"previous|in the past|prior|years? ago|months ago|as a child|in childhood|former|pmh)\b",
    re.I,
)
#: "a two-day history of fever" tells how long, not that it is over.
_LASTING = re.compile(r"\b(?:hour|day|week|month|year)s?\W{0,2}\s*(?:long\s+)?history\s+of\b", re.I)
#: A heading within the sentence puts all that follows into the past; nothing in a sentence parts that.
_HISTORY_HEADING = re.compile(
    r"^\W*(?:\d+\W+)?(?:\w+ ){0,2}?(?:medical|surgical|social|psychiatric|patient|family|obstetric|past)"
    r"(?: \w+)? history\s*:|\b(?:pmh|pmhx|past medical history)\b\s*(?::|includes?|significant|is)",
    re.I,
)
#: Habits and allergies are told as history, whatever the tense.
_HABIT = re.compile(
    r"\b(?:alcohol|etoh|tobacco|smok(?:er|es|ing)|drug (?:use|abuse)|cocaine|illicit|allerg(?:y|ies|ic))\b", re.I
)
_KNOWN = re.compile(r"(?<!no )(?<!not )\bknown?\s+(?:to have\s+|history of\s+)?(?:\w+\s+){0,1}$", re.I)
_HISTORY_AFTER = re.compile(r"^\W{0,2}history\b", re.I)
_HISTORICAL_AFTER = re.compile(
    r"^[^.;]{0,30}\b(?:years? ago|months ago|in the past|as a child|in (?:19|20)\d\d|resolved)\b", re.I
)
_HYPOTHETICAL = re.compile(
    r"\b(?:if|should (?:you|he|she|they|the patient|there)|rule out|r/o|return (?:for|to)|in case of|risk (?:of|for)|"
    r"as needed for|p\.?r\.?n\.? for|prn|concern for|evaluate for|monitor for|watch for|"
    r"unless|to prevent|prophylaxis|screen(?:ing|ed)? for|precautions|call for|worsening of)\b",
    re.I,
)
_FAMILY = re.compile(
    r"\b(?:mother|father|brother|sister|sibling|son|daughter|uncle|aunt|cousin|grand(?:mother|father|parents?)|"
    r"parents?|"
    r"family (?:medical )?history|maternal|paternal|relatives?|husband|wife|familial)\b(?!['’]s (?:day|milk))",
    re.I,
)
_TERMINATION = re.compile(
    r"\b(?:but|however|although|though|except|apart from|aside from|besides|which|who|yet|still|presenting|"
    r"presents?|secondary to|"
    r"because|since|now|currently|otherwise|complains? of|admitted|developed|found|treated|reports)\b|[;:]|\s\d\)\s",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z\d(\"'*-]|\s*$)|\n{2,}|;\s(?=[A-Z])")
_ABBREVIATION = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|vs|St|e\.g|i\.e|approx|No|p\.o|b\.i\.d|t\.i\.d|q\.d|Jr|Sr)|\b[A-Z])$")


class Context(NamedTuple):
    """How a mention is meant."""

    negated: bool
    temporality: Literal["current", "historical", "hypothetical"]
    subject: Literal["patient", "family"]


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of ``text``."""
    spans, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        if match.group() == "." and _ABBREVIATION.search(text[max(0, match.start() - 8) : match.start()]):
            continue
        if text[start : match.end()].strip():
            spans.append((start, match.end()))
        start = match.end()
    if text[start:].strip():
        spans.append((start, len(text)))
    return spans


def _reach(before: str) -> str:
    """The part of the text before a mention that still acts on it: what follows the last terminating word."""
    last = 0
    for match in _TERMINATION.finditer(before):
        last = match.end()
    return before[last:]


def _blank(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with other mentions blanked: "no" in "Concussion with no loss of consciousness" negates only that."""
    for a, b in spans:
        if b <= len(text):
            text = text[:a] + "_" * (b - a) + text[b:]
    return text


def _is_history(before: str, near: str, mention: str, after: str) -> bool:
    """Whether a mention is told as history, by what stands before it, by itself or by what follows."""
    return bool(
        _HISTORICAL.search(_LASTING.sub("", near))
        or _HISTORY_HEADING.search(before)
        or _HISTORICAL_AFTER.match(after)
        or _HISTORY_AFTER.match(after)
        or _KNOWN.search(near)
        or _HABIT.search(mention)
    )


def context_of(
    sentence: str, start: int, end: int, *, section: str = "", others: Iterable[tuple[int, int]] = ()
) -> Context:
    """The context of the mention at ``sentence[start:end]``.

    Args:
        sentence: one sentence.
        start, end: where the mention stands in it.
        section: the kind of section the sentence is in; "family" and "history" set the defaults.
        others: the spans of other mentions in the sentence, whose words trigger nothing.
    """
    before, after = _blank(sentence[:start], others), sentence[end : end + 80]
    near = _reach(before)
    negations = list(_NEGATED_BEFORE.finditer(near))
    excused = [m.span() for m in _NOT_NEGATION.finditer(near)]
    negated = any(not any(a <= m.start() < b for a, b in excused) for m in negations) or bool(
        _NEGATED_AFTER.match(after)
    )
    hypothetical = bool(_HYPOTHETICAL.search(near[-70:]))
    historical = section == "history" or _is_history(before, near, sentence[start:end], after)
    family = (
        section == "family"
        or bool(_FAMILY.search(near))
        or bool(re.match(r"^\s*(?:in|\()\s*(?:his|her|the)?\s*(?:mother|father|brother|sister|family)", after, re.I))
    )
    return Context(
        negated and not (hypothetical and re.search(r"\b(?:rule out|r/o)\b", near, re.I)),
        "hypothetical" if hypothetical else "historical" if historical else "current",
        "family" if family else "patient",
    )
