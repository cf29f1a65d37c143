"""Reads the prose of a document: paragraphs to sentences, sentences to items."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exora.documents.analysis import read_conditions, read_events, read_medications, read_results
from exora.documents.analysis.context import context_of, sentences
from exora.documents.analysis.dates import first_date
from exora.documents.analysis.doses import STRENGTH
from exora.documents.analysis.draft import Draft, clean_name, looks_like_sentence, plausible_name
from exora.documents.analysis.geometry import Row, Run, Token
from exora.documents.analysis.lexicon import drugs
from exora.documents.analysis.lists import Entry, entries, take_apart, wraps
from exora.documents.analysis.readers import FROM_ENTRY
from exora.documents.analysis.running import announced, are_names, list_spans, parts

_ASSESSMENT = re.compile(r"^A\b|assessment|impression|diagnos|opinion|problem", re.I)
_NUMBERED = re.compile(r"^\(?\d{1,2}[.)]\s|^[•\-*–·]\s")


def paragraphs(rows: Sequence[Row]) -> list[Run]:
    """Rows joined to paragraphs: a new one starts at a bullet, after a wide gap or after a short line."""
    if not rows:
        return []
    widest = max(row.x1 for row in rows)
    groups: list[list[Row]] = []
    for row in rows:
        above = groups[-1][-1] if groups else None
        fresh = (
            above is None
            or len(row.segments) > 1
            or len(above.segments) > 1
            or _NUMBERED.match(row.text) is not None
            or (above.page == row.page and row.y - above.y > 2.2 * max(row.height, above.height))
            or (above.x1 < 0.6 * widest and not row.text[0].islower())
        )
        if fresh:
            groups.append([row])
        else:
            groups[-1].append(row)
    return [Run(token for row in group for token in row.run.tokens) for group in groups]


def read_prose(rows: Sequence[Row], kind: str, title: str) -> list[Draft]:
    """All items that prose states, each with its context.

    Args:
        rows: the rows of a section of prose.
        kind: the kind of the section.
        title: the printed heading; a numbered line under "Assessment" is a condition whatever its name.
    """
    drafts: list[Draft] = []
    measured_in: list[Token] = []
    for paragraph in paragraphs(rows):
        if measured := _measured_list(paragraph):
            drafts.extend(measured)
            measured_in.extend(paragraph.tokens)
            continue
        vaccines, first, last = read_events.listed_vaccines(paragraph, kind)
        drafts.extend(vaccines)
        for start, end in sentences(paragraph.text):
            if start < last and first < end:
                continue
            drafts.extend(_announced_list(paragraph, start, end) or read_sentence(paragraph, start, end, kind))
    if kind != "social":
        for line in _lines(rows):
            if not looks_like_sentence(line.text) and not _within(line, measured_in):
                drafts.extend(read_results.from_line(line, ""))
    if _ASSESSMENT.search(title):
        drafts.extend(_assessed(rows, drafts))
    return drafts


def _lines(rows: Sequence[Row]) -> list[Run]:
    """Rows, each with those that go on with it because it is full."""
    widest = max((row.x1 for row in rows), default=0.0)
    groups: list[list[Row]] = []
    for row in rows:
        if groups and wraps(groups[-1][-1], row, widest):
            groups[-1].append(row)
        else:
            groups.append([row])
    return [Run(token for row in group for token in row.run.tokens) for group in groups]


def _within(line: Run, tokens: Sequence[Token]) -> bool:
    return any(line.tokens[0] is token for token in tokens)


#: What a list of measurements may start with: a date, or a few words before a colon.
_BEFORE_LIST = re.compile(r"^[^:;,]{0,60}:\s+")
#: So many of a paragraph's pieces must be measurements, and so many pieces there must be.
_MOSTLY, _FEWEST = 0.75, 3
#: Units of medicines rather than of measurements.
_DOSE_UNIT = re.compile(r"m?c?g|ml|units?|tabs?", re.I)


def _measured_list(paragraph: Run) -> list[Draft]:
    """The results of a paragraph that lists hardly anything else: "Latest readings: pulse 72 bpm, weight 81 kg"."""
    text = paragraph.text
    lead = _BEFORE_LIST.match(text)
    start = lead.end() if lead else 0
    date = first_date(lead.group(), years=False) if lead else None
    pieces = parts(paragraph, list_spans(text[start:]), start)
    read = [read_results.from_line(piece, "results") for piece in pieces if not looks_like_sentence(piece.text)]
    if len(pieces) < _FEWEST or sum(map(bool, read)) < _MOSTLY * len(pieces):
        return []
    drafts = [draft for found in read for draft in found]
    if sum(_DOSE_UNIT.fullmatch(str(draft.fields["unit"])) is not None for draft in drafts) > len(drafts) / 2:
        return []
    for draft in drafts:
        draft.date = draft.date or date
    return drafts


def _announced_list(run: Run, start: int, end: int) -> list[Draft]:
    """The entries of a sentence that announces a list of names: "She is allergic to latex, penicillin and eggs."."""
    text = run.text[start:end]
    found = announced(text)
    if found is None:
        return []
    kind, at = found
    pieces = parts(run, list_spans(text[at:]), start + at)
    if not are_names([piece.text for piece in pieces]) or (len(pieces) < 2 and kind in {"conditions", "procedures"}):
        return []
    if kind == "medications" and not all(_is_medicine(piece.text) for piece in pieces):
        return []
    read = [FROM_ENTRY[kind](Entry(piece, (piece,)), kind) for piece in pieces]
    return [draft for found in read for draft in found] if all(read) else []


def _is_medicine(text: str) -> bool:
    """Whether an entry is one medicine, not "Tuesday", nor two joined by an "and" that could not be cut."""
    strengths = list(STRENGTH.finditer(text))
    return text in drugs() or (bool(strengths) and " and " not in text[strengths[0].end() :])


def read_sentence(run: Run, start: int, end: int, kind: str) -> list[Draft]:
    """The items of one sentence, ``run.text[start:end]``."""
    allergies = read_conditions.allergy_from_sentence(run, start, end)
    medicines = read_medications.from_sentence(run, start, end, kind)
    named = {word for draft in allergies for word in (draft.name.lower(),)}
    return [
        *allergies,
        *(draft for draft in medicines if draft.name.lower() not in named),
        *map(_as_allergy, read_conditions.from_sentence(run, start, end, kind)),
        *read_results.from_sentence(run, start, end, kind),
        *read_events.from_sentence(run, start, end, kind),
    ]


def _as_allergy(draft: Draft) -> Draft:
    """A condition that is an allergy by its name, "Shellfish allergy", as one."""
    if not re.search(r"\w allerg(?:y|ies)$", draft.name, re.I) or draft.fields["subject"] == "family":
        return draft
    return Draft("allergies", draft.name, draft.run, draft.extraction, draft.date, {"negated": draft.fields["negated"]})


def _assessed(rows: Sequence[Row], known: Sequence[Draft]) -> list[Draft]:
    """Numbered or bulleted lines of an assessment that no lexicon knows."""
    drafts = []
    for entry in entries(rows):
        text = entry.run.text
        first = rows[0].run.text if entry.run.tokens[0] is rows[0].run.tokens[0] else ""
        taken = take_apart(entry)
        name = clean_name(re.split(r"\s[-–—]\s|[.:]\s", taken.name)[0])
        if looks_like_sentence(name) or not plausible_name(name) or len(name.split()) > 9 or not name[0].isupper():
            continue
        numbered = _is_marked(rows, entry.run) or _NUMBERED.match(first)
        if not numbered or any(d.run.tokens[0].index in {t.index for t in entry.run.tokens} for d in known):
            continue
        stop = text.find(name) + len(name)
        context = context_of(text, max(text.find(name), 0), stop)
        fields = {"negated": context.negated, "temporality": context.temporality, "subject": context.subject}
        drafts.append(Draft("conditions", name, entry.run.part(0, stop), 0.7, None, fields))
    return drafts


def _is_marked(rows: Sequence[Row], run: Run) -> bool:
    """Whether the row that the run starts on opens with a bullet or a number."""
    index = run.tokens[0].index
    return any(
        _NUMBERED.match(row.text) and row.run.tokens[0].index <= index <= row.run.tokens[-1].index for row in rows
    )
