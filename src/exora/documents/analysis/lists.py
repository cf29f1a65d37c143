"""Cuts loose rows of a section into the entries of a list, and an entry into name, dates and the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from exora.documents.analysis.dates import Date, find_dates
from exora.documents.analysis.doses import FORM
from exora.documents.analysis.draft import clean_name, strip_bullet
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.lexicon import conditions, drugs
from exora.documents.analysis.running import cut_at, running_list

_BARE_BULLET = re.compile(r"[•▪●○■□❏❑❒▢✓✔✗✘◦·‣►»«¢©®*+–—o-]|\(?\d{1,2}[.)]|#\d{1,2}[.):]?|\(?[a-z]\)")


#: Small words that no entry starts with: "by mouth twice daily", "for pain".
_GOES_ON = re.compile(r"(?:and|or|by|for|at|as|with|without|in|on|of|to|per|every|once|twice|until|from|after|before) ")
_STRENGTH = re.compile(r"\d[\d.,]*\s?(?:mg|mcg|ug|g|ml|units?)\b", re.I)
#: A medicine of several substances, cut before the last one's strength: "Codeine 2 MG/ML / Promethazine".
_OPEN_MIXTURE = re.compile(r"\d\s?[A-Za-z/]+ / [^/]*\b[A-Za-z]+$")


#: A code in the margin before a name: of ICD-10, CPT, LOINC or SNOMED.
_CODE = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.\w{1,4})?|\d{5}|\d{1,5}-\d|\d{6,18}")


class Entry(NamedTuple):
    """One entry of a list: its words, and its segments where wide gaps part it."""

    run: Run
    segments: tuple[Run, ...]


def entries(rows: Sequence[Row]) -> list[Entry]:
    """The entries of a list that stands one to a row; wrapped lines are joined to the entry they belong to."""
    if not rows:
        return []
    if not any(map(has_bullet, rows)) and (inline := running_list(rows, _is_full)):
        return [Entry(run, (run,)) for run in inline]
    bulleted = [has_bullet(row) for row in rows]
    by_bullet = sum(bulleted) >= max(1, 0.3 * len(rows))
    widest = max(row.x1 for row in rows)
    groups: list[list[Row]] = []
    for index, row in enumerate(rows):
        if not groups:
            groups.append([row])
            continue
        above = groups[-1][-1]
        if bulleted[index]:
            joins = False
        elif by_bullet and has_bullet(groups[-1][0]):
            joins = row.x0 > groups[-1][0].x0 + 0.8 or _is_full(above, row, widest) or wraps(above, row, widest)
        else:
            joins = wraps(above, row, widest) or (_hangs(groups[-1][0], row) and not _starts_entry(row))
        if joins:
            groups[-1].append(row)
        else:
            groups.append([row])
    return [_entry(group) for group in groups]


#: What heads a part of a list: "CONTINUE taking these medicines", "Unchanged", "As needed".
_HEADS = frozenset(
    "active inactive change changed chronic continue continued continuing current discontinue discontinued hold held "
    "historical modified modify needed new ongoing past prn resolved resume resumed scheduled start started starting "
    "stop stopped stopping unchanged".split()
)
_BESIDE_HEADS = frozenset(
    "and as at been changes conditions diagnoses do dose doses drugs following for from have how in issues list longer "
    "medication medications medicine medicines meds no not of or problems same take taking that the these this to use "
    "using with you your".split()
)
_STOPS = re.compile(r"\b(?:stop\w*|discontinued?|hold|held|no longer|do not)\b", re.I)


def is_group_label(text: str) -> bool:
    """Whether a line heads a part of a list by what is to be done with it, or by its state."""
    words = re.findall(r"[a-z']+", text.lower())
    if not 1 <= len(words) <= 8 or any(map(str.isdigit, text)) or not text[0].isupper():
        return False
    return not _HEADS.isdisjoint(words) and all(word in _HEADS or word in _BESIDE_HEADS for word in words)


def grouped(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """The rows of a list by the labels that head its parts; what stands before the first has the label ""."""
    groups: list[tuple[str, list[Row]]] = [("", [])]
    for row in rows:
        if len(row.segments) == 1 and is_group_label(row.text):
            groups.append((row.text, []))
        else:
            groups[-1][1].append(row)
    return groups


def status_of_group(label: str) -> str:
    """The status of the medicines below a label."""
    return "stopped" if _STOPS.search(label) else "active" if label else "unknown"


def has_bullet(row: Row) -> bool:
    """Whether a row opens with a bullet or a number."""
    first = row.run.tokens[0].text
    return _BARE_BULLET.fullmatch(first) is not None or (
        strip_bullet(row.text) > 0 and not first[0].isalnum() and len(row.text) > 2
    )


def _starts_entry(row: Row) -> bool:
    return bool(find_dates(row.segments[0].text)) or row.text in drugs() or row.text in conditions()


def _hangs(first: Row, row: Row) -> bool:
    return first.page == row.page and 1.2 < row.x0 - first.x0 < 12


def wraps(above: Row, row: Row, widest: float) -> bool:
    """Whether the row goes on with the one above: it starts small or inside a bracket, and there was no room left."""
    text, before = row.text, above.text
    if _GOES_ON.match(text) and not before.endswith((".", ":")):
        return True
    if find_dates(text) and find_dates(before):
        return False
    if len(row.segments) > 1 and len(above.segments) > 1:
        return False
    if before.count("(") > before.count(")") or before.count("[") > before.count("]"):
        return True
    full = _is_full(above, row, widest)
    if full and "; " in before and not find_dates(text)[:1] and not has_bullet(row):
        return True
    if full and (FORM.match(" " + text) or _STRENGTH.match(text) or _OPEN_MIXTURE.search(before)):
        return True
    if before.endswith((",", "/", " and", " or", " with", " of")) and (full or text[0].islower()):
        return True
    return full and (text[0].islower() or text[0] in "([/&")


def _is_full(above: Row, row: Row, widest: float) -> bool:
    """Whether the first word of ``row`` had no room on the line above."""
    first = row.run.tokens[0]
    return above.x1 + 0.6 + (first.x1 - first.x0) > widest + 0.3


def _entry(rows: Sequence[Row]) -> Entry:
    segments = [segment for row in rows for segment in row.segments]
    while len(segments) > 1 and (_BARE_BULLET.fullmatch(segments[0].text) or _CODE.fullmatch(segments[0].text)):
        segments.pop(0)
    run = Run(token for segment in segments for token in segment.tokens)
    if len(run.tokens) > 1 and _BARE_BULLET.fullmatch(run.tokens[0].text):
        run = Run(run.tokens[1:])
        segments[0] = Run(segments[0].tokens[1:])
    return Entry(run, tuple(segments))


_LABEL = (
    r"onset|since|diagnosed|dx|started|start|given|administered|performed|done|resolved|active|inactive|status|"
    r"recorded|"
    r"noted|date|dated|lot|cvx|code|icd(?:-10)?|snomed|loinc|rxnorm|dose(?: \d| #)|site|provider|by dr|exp|"
    r"reaction|severity|"
    r"ended|completed|ongoing|first|last|current|now|until|abated|seen|at (?=[A-Z])|with dr|due to start|"
    r"administered by|collected|in remission|stable|controlled|well controlled|recurrence|remission|"
    r"improv(?:ed|ing)|worse(?:ned|ning)?|at goal|chronic\b\s*$|"
    r"(?:on|in|from|as of|of|to)\s+(?=\S*\d)"
)
_CUT = re.compile(
    rf"\s*(?:[—|;]|\s[–-](?=\s+(?:{_LABEL}|\d|dr\b|mild|moderate|severe))|,(?=\s*(?:{_LABEL}|\d{{4}}|\d{{1,2}}/))|"
    rf"[(\[](?=[^)\]]*(?:\d{{4}}|\d/\d|\bactive|\bresolved|\binactive|\bonset|\bongoing|\bcode|\bcurrent|icd|cvx|"
    rf"snomed|"
    rf"loinc|\b[A-Z]\d\d\.?\d*\b))|:\s|\s(?:{_LABEL})(?=\s*[:\d(])|\son(?=\s\S*\d))",
    re.I,
)
_BEFORE_DATE = re.compile(r"\s+(?:in|on|since|from|of|at|during|until)\s+$")
_BEFORE_NAME = re.compile(r"^\s*[\s:,;|)\]–—-]*\s*")


class NamedEntry(NamedTuple):
    """An entry taken apart: the name's place in the text, all dates, and the text after the name."""

    name: str
    start: int
    end: int
    dates: list[Date]
    rest: str


def take_apart(entry: Entry) -> NamedEntry:
    """Finds the name of an entry such as "2012-03-04 Acute bronchitis (resolved 2012-03-18)"."""
    text = entry.run.text
    dates = find_dates(text)
    start = strip_bullet(text)
    for date in dates:
        if date.start - start <= 2 and not any(letter.isalpha() for letter in text[start : date.start]):
            gap = _BEFORE_NAME.match(text[date.end :])
            start = date.end + (gap.end() if gap else 0)
    end = len(text)
    offset = 0
    for segment in entry.segments[:-1]:
        offset += len(segment.text) + 1
        if offset - 1 > start + 1:
            end = min(end, offset - 1)
            break
    later = [date.start for date in dates if date.start > start]
    if later:
        end = min(end, len(_BEFORE_DATE.sub("", text[: later[0]])))
    cut = _CUT.search(text, start + 2, len(text))
    if cut and cut.start() < end:
        end = cut.start()
    name = clean_name(text[start:end])
    return NamedEntry(name, start, end, dates, text[end:])


def split_inline(run: Run) -> list[Run]:
    """A run such as "Hypertension; asthma" or "Penicillin, Latex, Peanuts" as its parts.

    Semicolons always part; commas only where every part stands like a name of its own: it starts with a
    capital or is known to a lexicon, and is short, or has a date of its own. Names that hold commas stay whole.
    """
    text = run.text
    pieces = [(a, b) for a, b in cut_at(text, ";") if text[a:b].strip()]
    if len(pieces) == 1:
        ends = [m.start() for m in re.finditer(r"(?<=[a-z0-9)])\.\s+(?=[A-Z])", text)]
        pieces = list(zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)) if ends else pieces
    if len(pieces) == 1:
        by_comma = cut_at(text[: pieces[0][1]], ",")
        known = [_known(text[a:b]) for a, b in by_comma]
        are_names = all(
            is_known or (text[a:b].strip()[:1].isupper() and len(text[a:b].split()) <= 4)
            for (a, b), is_known in zip(by_comma, known, strict=True)
        )
        if len(by_comma) > 1 and (are_names or all(_DATED.match(text[a:b]) for a, b in by_comma)):
            pieces = by_comma
    if len(pieces) == 1:
        return [run]
    return [part for a, b in pieces if text[a:b].strip() and (part := run.part(a + _lead(text[a:b]), b))]


#: A name with its date behind: "Viral sinusitis in May 2016".
_DATED = re.compile(r"\s*(?:and\s+)?[A-Za-z][A-Za-z' -]{3,60}\s\(?(?:in|on|since)\s(?:[A-Z][a-z]+ )?\d")


def _lead(text: str) -> int:
    return len(text) - len(text.lstrip())


def _known(text: str) -> bool:
    bare = re.sub(r"^\s*(?:and|or)\s+", "", text)
    return bare in conditions() or bare in drugs()
