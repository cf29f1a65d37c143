"""Reads procedures, immunizations and encounters from table records, list lines and sentences."""

from __future__ import annotations

import re

from exora.documents.analysis.context import context_of
from exora.documents.analysis.dates import find_dates, first_date
from exora.documents.analysis.draft import Draft, clean_name, is_nothing, looks_like_sentence, plausible_name
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.lexicon import Phrases, procedures, vaccines
from exora.documents.analysis.lists import Entry, take_apart
from exora.documents.analysis.sequence import surely

#: From this probability on the sequence model's word is taken that something is a procedure.
_SURE = 0.8

Cells = dict[str, Run]
_TAGGED = re.compile(r"((?:[A-Z][\w'’-]*)(?:[ ,]+(?!and\b|with\b|was\b|is\b)[\w'’-]+){0,10}?)\s\(procedure\)")
_ENCOUNTER_WORD = re.compile(
    r"\b(?:encounter|visit|admission|check[- ]?up|consultation|assessment|hospitali[sz]ation|follow-?up|emergency|"
    r"inpatient|"
    r"outpatient|ambulatory|examination|screening|surgery|appointment|discharge)\b",
    re.I,
)
_PERSON = re.compile(
    r"\b(?:Dr\.?|Doctor|Prof\.?)\s+[A-Z][\w'’.-]*(?:\s+[A-Z][\w'’.-]*){0,3}|"
    r"\b[A-Z][\w'’-]+(?:\s+[A-Z][\w'’.-]*){1,3},?\s+(?:MD|M\.D\.|DO|NP|RN|PA)\b"
)
_PLACE = re.compile(
    r"(?:[A-Z][\w'’.&-]*\s+){1,7}(?:Hospital|Clinic|Center|Centre|Practice|Medical Center|Health|Associates|"
    r"Department|PCP\d*|Infirmary)\b[\w ]{0,12}"
)


def _with(cells: Cells, first: Run, *roles: str) -> Run:
    run = first
    for role in roles:
        if role in cells and cells[role] is not first:
            run = run + cells[role]
    return run


def _date(cells: Cells, role: str = "date") -> str | None:
    return first_date(cells[role].text) if role in cells else None


def procedure_from_cells(cells: Cells, kind: str) -> list[Draft]:
    """The procedure of one table record."""
    return _named("procedures", cells.get("procedure") or cells.get("name"), cells)


def immunization_from_cells(cells: Cells, kind: str) -> list[Draft]:
    """The vaccine of one table record; one with a date for each dose has a draft for each."""
    cell = cells.get("vaccine") or cells.get("name") or cells.get("medication")
    if any(_NOT_GIVEN.search(other.text) or _DUE.fullmatch(other.text) for other in cells.values()):
        return []
    drafts = _named("immunizations", cell, cells)
    dates = find_dates(cells["date"].text) if "date" in cells else []
    if drafts and len(dates) > 1:
        return [Draft("immunizations", drafts[0].name, drafts[0].run, 0.93, date.iso) for date in dates]
    return drafts


def _named(list_name: str, cell: Run | None, cells: Cells) -> list[Draft]:
    if cell is None or is_nothing(cell.text):
        return []
    name = clean_name(cell.text)
    date = _date(cells)
    if date is None and len(found := find_dates(name)) == 1:
        date = found[0].iso
        name = clean_name(re.sub(r"\s*[(,–—-]*\s*(?:on\s*)?$", "", name[: found[0].start]) or name[found[0].end :])
    if not plausible_name(name):
        return []
    run = _with(cells, cell, "date")
    if list_name == "procedures":
        return [Draft("procedures", name, run, 0.97, date)]
    return [Draft("immunizations", name, run, 0.97, date)]


def procedure_from_entry(entry: Entry, kind: str) -> list[Draft]:
    """The procedure on one line of a list."""
    return _from_entry("procedures", entry)


def immunization_from_entry(entry: Entry, kind: str) -> list[Draft]:
    """The vaccine on one line of a list, once for every date on it."""
    return _from_entry("immunizations", entry)


#: Said of a vaccine or a procedure that was offered or planned but not done.
_NOT_GIVEN = re.compile(
    r"\b(?:not (?:administered|given|done|performed|immuni[sz]ed|vaccinated)|refused|declined|refusal|contraindicated|"
    r"cancell?ed|deferred)\b",
    re.I,
)


#: The status of a vaccine that is to be given.
_DUE = re.compile(r"(?:over|past )?due(?: now| soon| on .*)?|upcoming|recommended", re.I)


def _from_entry(list_name: str, entry: Entry) -> list[Draft]:
    text = entry.run.text
    if is_nothing(text) or _NOT_GIVEN.search(text) or re.match(r"no\b", text, re.I):
        return []
    if looks_like_sentence(text):
        return from_sentence(entry.run, 0, len(text), list_name)
    taken = take_apart(entry)
    if not plausible_name(taken.name) or len(taken.name.split()) > 22 or not taken.name[0].isalnum():
        return []
    if list_name == "procedures":
        return [Draft("procedures", taken.name, entry.run, 0.9, taken.dates[0].iso if taken.dates else None)]
    expires = re.search(r"\bexp", taken.rest, re.I) is not None
    dates: list[str | None] = [date.iso for date in taken.dates[: 1 if expires else None]]
    return [Draft("immunizations", taken.name, entry.run, 0.9, date) for date in dates or [None]]


def from_sentence(run: Run, start: int, end: int, kind: str) -> list[Draft]:
    """Procedures and vaccines that a sentence says were done or given."""
    text = run.text[start:end]
    drafts: list[Draft] = []
    spans = [(m.start(1), m.end()) for m in _TAGGED.finditer(text)]
    spans.extend((m.start, m.end) for m in procedures().find(text) if not any(a <= m.start < b for a, b in spans))
    spans.extend(
        (entity.start, entity.end)
        for entity in surely(text, "procedure", _SURE)
        if not any(a < entity.end and entity.start < b for a, b in spans)
    )
    for a, b in spans:
        drafts.extend(_mention("procedures", run, start, (a, b), text, kind))
    if kind == "immunizations" or re.search(r"\b(?:vaccin|immuni[sz]|shot|booster)", text, re.I):
        for m in _vaccines_in(text, vaccines()):
            drafts.extend(_mention("immunizations", run, start, m, text, kind))
    return drafts


#: Words that announce a list of vaccines parted by semicolons; their names hold commas.
_VACCINES_LISTED = re.compile(
    r"\b(?:vaccin(?:es?|ations?)|immuni[sz]ations?|shots)\b[^:;.]{0,40}:\s*(?=[^;]{2,80};)", re.I
)


def listed_vaccines(run: Run, kind: str) -> tuple[list[Draft], int, int]:
    """The vaccines of "has received the following vaccines: A; B; and C." in a paragraph, and where they stand."""
    text = run.text
    listed = _VACCINES_LISTED.search(text)
    if listed is None:
        return [], 0, 0
    stop = re.compile(r"\.(?=\s|$)").search(text, listed.end())
    end = stop.start() if stop else len(text)
    drafts = []
    for piece in re.finditer(r"[^;]+", text[listed.end() : end]):
        lead = re.match(r"\s*(?:and\s+)?", piece.group())
        begin = listed.end() + piece.start() + (lead.end() if lead else 0)
        drafts.extend(_mention("immunizations", run, 0, (begin, listed.end() + piece.end()), text, kind))
    return drafts, listed.start(), end


def _vaccines_in(text: str, names: Phrases) -> list[tuple[int, int]]:
    return [(m.start, m.end) for m in names.find(text)]


_UNDERGONE = re.compile(
    r"^(?:(?:he|she|they|the patient|patient)\s+)?(?:(?:has|had|have|was|is)\s+)?(?:then\s+)?"
    r"(?:undergone|underwent|received|performed|scheduled for|treated with)\s+(?:an?\s+|the\s+)?",
    re.I,
)


def _mention(list_name: str, run: Run, offset: int, span: tuple[int, int], text: str, kind: str) -> list[Draft]:
    context = context_of(text, *span, section=kind)
    if context.negated or context.temporality == "hypothetical" or context.subject == "family" or kind == "plan":
        return []
    dates = find_dates(text)
    near = [d.iso for d in dates if 0 <= d.start - span[1] < 40] or ([dates[0].iso] if len(dates) == 1 else [])
    name = clean_name(_UNDERGONE.sub("", text[span[0] : span[1]]))
    piece = run.part(offset + span[0], offset + span[1])
    if list_name == "procedures":
        return [Draft("procedures", name, piece, 0.8, near[0] if near else None)]
    return [Draft("immunizations", name, piece, 0.8, near[0] if near else None)]


def encounter_from_cells(cells: Cells, kind: str) -> list[Draft]:
    """The encounter of one table record."""
    named = next((cells[r] for r in ("visit", "name", "reason", "procedure", "condition") if r in cells), None)
    date = _date(cells)
    if named is None or not plausible_name(clean_name(named.text)):
        return []
    fields = {
        "start": date,
        "end": _date(cells, "end"),
        "provider": _text(cells, "provider"),
        "facility": _text(cells, "facility"),
    }
    if fields["end"] is None and "date" in cells and len(span := find_dates(cells["date"].text)) == 2:
        fields["end"] = span[1].iso
    return [
        Draft(
            "encounters",
            clean_name(named.text),
            _with(cells, named, "date", "end", "provider", "facility"),
            0.95,
            date,
            fields,
        )
    ]


def _text(cells: Cells, role: str) -> str | None:
    return clean_name(cells[role].text) if role in cells and plausible_name(cells[role].text) else None


def encounter_from_entry(entry: Entry, kind: str) -> list[Draft]:
    """The encounter on one line of a list; it must have a date or a word such as "visit"."""
    text = entry.run.text
    taken = take_apart(entry)
    kind = clean_name(re.split(r"[,.;]\s|\s(?:with|at)\s(?=[A-Z])", taken.name)[0])
    if is_nothing(text) or not plausible_name(kind) or len(kind.split()) > 16:
        return []
    named = _ENCOUNTER_WORD.search(kind)
    if not (taken.dates or named) or (looks_like_sentence(text) and not (named and taken.dates and taken.start > 0)):
        return []
    person, place = _PERSON.search(text), _PLACE.search(taken.rest)
    start = taken.dates[0].iso if taken.dates else None
    ranged = len(taken.dates) > 1 and re.fullmatch(
        r"\s*(?:-|–|—|to|until)\s*", text[taken.dates[0].end : taken.dates[1].start]
    )
    fields = {
        "start": start,
        "end": taken.dates[1].iso if ranged else None,
        "provider": person.group() if person else None,
        "facility": place.group().strip() if place else None,
    }
    return [Draft("encounters", kind, entry.run, 0.85, start, fields)]


_KEYS = {
    "start": r"(?:date of )?admission(?: date)?|admit(?:ted)?(?: on)?(?: date)?|date admitted|"
    r"date of (?:visit|service|encounter|consultation|consult)|"
    r"(?:visit|encounter|service|appointment|consultation) date|seen on",
    "end": r"(?:date of )?discharge(?: date)?|discharged(?: on)?|date discharged",
    "provider": r"attending(?: physician| provider)?|provider|physician|consultant|consulting physician|"
    r"clinician|seen by|"
    r"primary care (?:provider|physician)|pcp|rendering provider|treating physician|doctor|practitioner|author",
    "facility": r"facility|hospital|location|clinic|organization|site|service location|institution|practice",
    "kind": r"encounter type|visit type|type of visit|encounter|admission type|encounter class|patient class|"
    r"type of encounter",
}
_KEY = {role: re.compile(rf"(?<![\w-])(?:{pattern})\s*:\s*", re.I) for role, pattern in _KEYS.items()}
_NEXT_KEY = re.compile(r"\s+(?:[A-Z][\w/]*\s?){1,4}:\s|\s{2,}|\s[|]\s")


def header_encounter(rows: list[Row], document_type: str) -> list[Draft]:
    """The visit or stay that the document itself is about, from keys such as "Admission date: ..."."""
    found: dict[str, tuple[str, Run]] = {}
    for row in rows:
        for index, segment in enumerate(row.segments):
            following = row.segments[index + 1] if index + 1 < len(row.segments) else None
            for role, pattern in _KEY.items():
                if role not in found and (
                    match := pattern.search(segment.text + (" " if segment.text.endswith(":") else ""))
                ):
                    read = _key_value(segment, match.end(), following, role)
                    if read:
                        found[role] = read
    if "start" not in found and "end" not in found:
        return []
    stay = "end" in found or document_type == "discharge_summary"
    run = Run(token for _, part in found.values() for token in part.tokens)
    text = {role: value for role, (value, _) in found.items()}
    fields = {role: text.get(role) for role in ("start", "end", "provider", "facility")}
    kind = text.get("kind") or ("Hospital admission" if stay else "Outpatient visit")
    date = text.get("start") or text.get("end")
    return [Draft("encounters", kind, run, 0.85 if "kind" in text else 0.75, date, fields)]


def _key_value(segment: Run, at: int, following: Run | None, role: str) -> tuple[str, Run] | None:
    if at < len(segment.text):
        rest = segment.part(at, len(segment.text))
    elif following is not None and ":" not in following.text:
        rest = following
    else:
        return None
    if role in {"start", "end"}:
        date = first_date(rest.text, years=False)
        return (date, rest) if date else None
    value = clean_name(_NEXT_KEY.split(rest.text + " ")[0])
    return (value, rest) if plausible_name(value) and len(value) < 80 else None
