"""Reads medicines from table records, list lines and sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exora.documents.analysis.context import context_of
from exora.documents.analysis.dates import find_dates, first_date
from exora.documents.analysis.doses import FORM, FREQUENCY, STRENGTH, Sig, read_medication, status_of
from exora.documents.analysis.draft import (
    Draft,
    clean_name,
    is_nothing,
    looks_like_sentence,
    plausible_name,
    strip_bullet,
)
from exora.documents.analysis.features import phrase_key
from exora.documents.analysis.geometry import Run
from exora.documents.analysis.lexicon import Match, drugs, normal_key
from exora.documents.analysis.lists import Entry
from exora.documents.analysis.sequence import surely, word_lists

#: From this probability on the sequence model's word is taken that something is a medicine.
_SURE = 0.6
Cells = dict[str, Run]
_NAME_WORD = re.compile(r"(?:/\s*)?[A-Za-z][\w'’.-]*,?$")
_NOT_NAME = frozenset(
    [
        "the",
        "a",
        "an",
        "and",
        "or",
        "of",
        "to",
        "on",
        "in",
        "with",
        "was",
        "is",
        "were",
        "are",
        "has",
        "have",
        "had",
        "been",
        "be",
        "prescribed",
        "given",
        "taking",
        "take",
        "takes",
        "started",
        "start",
        "include",
        "includes",
        "including",
        "received",
        "receives",
        "receiving",
        "continue",
        "continued",
        "continues",
        "medications",
        "medication",
        "by",
        "for",
        "patient",
        "he",
        "she",
        "his",
        "her",
        "daily",
        "currently",
        "current",
        "home",
        "new",
        "also",
        "plus",
        "then",
        "at",
        "from",
        "using",
        "uses",
        "used",
        "who",
        "which",
        "that",
        "added",
        "administered",
        "dose",
        "increased",
        "decreased",
        "tablets",
        "tablet",
        "capsules",
        "total",
        "his/her",
        "their",
        "discharged",
        "drugs",
        "treated",
    ]
)
_LEAD_WORD = re.compile(
    r"^(?:continued?|start(?:ed)?|resumed?|taking|prescribed|takes?|hold|stop(?:ped)?|discontinued?|given|new|"
    r"changed?|increased?|"
    r"decreased?)\s*:?\s+(?=[A-Za-z])",
    re.I,
)


#: What starts with a person is a sentence, whatever strengths it tells: "He finished amoxicillin 875 mg ...".
_SOMEBODY = re.compile(r"(?:[Hh]e|[Ss]he|[Tt]hey|We|I|You|(?:[Tt]he )?[Pp]atient|(?:Mr|Mrs|Ms)\b\.? [A-Z]\w+) [a-z]+")
#: "Keflex (cephalexin)": the generic name in brackets is part of the name.
_GENERIC_BEHIND = re.compile(r"\s*\(([A-Za-z][A-Za-z -]{3,40})\)")


def _first_text(cells: Cells, *roles: str) -> str | None:
    for role in roles:
        cell = cells.get(role)
        if cell is not None and not is_nothing(cell.text):
            return cell.text.strip(" ,;")
    return None


def from_cells(cells: Cells, kind: str) -> list[Draft]:
    """The medicine of one table record."""
    cell = cells.get("medication") or cells.get("name")
    if cell is None or not plausible_name(cell.text):
        return []
    sig = read_medication(cell.text)
    whole = sig.route is None and sig.frequency is None and not _lower_strength(cell.text, sig)
    end = len(cell.text) if whole else sig.name_end
    if (generic := _GENERIC_BEHIND.match(cell.text, end)) and generic.group(1) in drugs():
        end = generic.end()
    name = clean_name(cell.text[:end])
    directions = read_medication("Medicine, " + cells["sig"].text) if "sig" in cells else None
    dose = (
        _first_text(cells, "dose")
        or (sig.dose if not whole and "strength" not in cells else None)
        or (directions.dose if directions else None)
        or _first_text(cells, "strength")
        or sig.dose
    )
    if "frequency" not in cells and "date" in cells and (often := FREQUENCY.match(cells["date"].text)):
        # A column headed "When".
        cells = {role: run for role, run in cells.items() if role != "date"} | {
            "frequency": cells["date"].part(0, often.end())
        }
    frequency = _first_text(cells, "frequency") or (directions.frequency if directions else None) or sig.frequency
    route = _first_text(cells, "route") or (directions.route if directions else None) or sig.route
    status_text = _first_text(cells, "status")
    status = status_of(status_text) if status_text else sig.status
    if status == "unknown" and "end" in cells and first_date(cells["end"].text):
        status = "stopped"
    run = cell
    for role in ("dose", "strength", "route", "frequency", "sig", "status", "date"):
        run = run + cells[role] if role in cells else run
    if not plausible_name(name) or FORM.fullmatch(" " + name) or FREQUENCY.match(name):
        # The end of a cell that runs over several lines, not a medicine.
        return []
    fields = {"dose": dose, "route": route, "frequency": frequency, "status": status}
    return [Draft("medications", name, run, 0.97, first_date(cells["date"].text) if "date" in cells else None, fields)]


def _lower_strength(text: str, sig: Sig) -> bool:
    return sig.strength and sig.name_end < len(text.rstrip())


def from_entry(entry: Entry, kind: str, *, title: str = "") -> list[Draft]:
    """The medicine on one line of a medication list."""
    text = entry.run.text
    if is_nothing(text[strip_bullet(text) :]) or re.match(r"no\b|nkd", text, re.I):
        return []
    if (looks_like_sentence(text) and not STRENGTH.search(text)) or _SOMEBODY.match(text):
        return []
    dates = find_dates(text)
    start = strip_bullet(text)
    for date in dates:
        if date.start - start <= 2:
            start = date.end + len(text[date.end :]) - len(text[date.end :].lstrip(" :,;|)-–—"))
    lead = _LEAD_WORD.match(text[start:])
    line = text[start + (lead.end() if lead else 0) :]
    start = len(text) - len(line)
    ends = [date.start - start for date in dates if date.start > start]
    limit = _segment_end(entry, start) - start
    sig = read_medication(line)
    name_end = min([sig.name_end, limit, *ends])
    name = clean_name(
        re.sub(
            r"\s*[,(]?\s*\b(?:since|started|from|on|start|prescribed|active|stopped)\b[\s:]*$",
            "",
            line[:name_end],
            flags=re.I,
        )
    )
    if not plausible_name(name) or len(name.split()) > 25:
        return []
    supported = sig.strength or sig.dose or sig.frequency or sig.route or name in drugs() or FORM.search(name)
    first = name.split()[0]
    if not supported and not first[0].isupper() and first not in drugs():
        return []
    status = sig.status if sig.status != "unknown" else status_of(title)
    if lead and sig.status == "unknown":
        status = status_of(lead.group())
    sure = 0.93 if supported else 0.8
    date_found = dates[0].iso if dates else None
    fields = {"dose": sig.dose, "route": sig.route, "frequency": sig.frequency, "status": status}
    return [Draft("medications", name, entry.run.part(start, len(text)), sure, date_found, fields)]


def _segment_end(entry: Entry, start: int) -> int:
    """Where the printed segment that holds ``start`` ends; a wide gap parts the name from what follows."""
    offset = 0
    for segment in entry.segments:
        offset += len(segment.text) + 1
        if offset - 1 > start + 1:
            heights = [token.y for token in entry.run.tokens]
            same_line = max(heights) - min(heights) < 1.0
            return offset - 1 if same_line else len(entry.run.text)
    return len(entry.run.text)


def from_sentence(run: Run, start: int, end: int, kind: str) -> list[Draft]:
    """Medicines in a sentence: words before a strength, or a known name; negated and hypothetical ones left out."""
    text = run.text[start:end]
    drafts: list[Draft] = []
    taken = 0
    strengths = list(STRENGTH.finditer(text))
    for number, strength in enumerate(strengths):
        begin = _name_start(text, taken, strength.start())
        if begin is None:
            continue
        sig = read_medication(text[begin : _next_name(text, strengths[number:])])
        known = any(True for _ in drugs().find(text[begin : begin + sig.name_end]))
        form = FORM.match(text, strength.end())
        if not known and not form and not FREQUENCY.match(text[strength.end() :].lstrip()):
            continue
        name = clean_name(text[begin : begin + sig.name_end])
        stop = max(begin + sig.name_end, strength.end())
        taken = stop
        drafts.extend(_mention(name, run, start, (begin, stop), text, sig, kind))
    for match in _named(text):
        if (
            not any(match.key in draft.name.lower() or draft.name.lower() in match.key for draft in drafts)
            and len(match.key) > 3
        ):
            sig = read_medication(text[match.start : min(end - start, match.end + 90)])
            near = Sig(match.end - match.start, None, None, None, "unknown", False)
            use = sig if sig.name_end <= match.end - match.start + 2 else near
            drafts.extend(
                _mention(text[match.start : match.end], run, start, (match.start, match.end), text, use, kind)
            )
    return drafts


def _next_name(text: str, strengths: Sequence[re.Match[str]]) -> int:
    """Where the medicine after the one of the first strength is named, so that its dose is not taken for this one's."""
    end = strengths[0].end()
    for later in strengths[1:]:
        start = _name_start(text, end, later.start())
        if start is not None and re.search(r"[,;.]|\band\b", text[end:start]):
            return start
    return len(text)


def _named(text: str) -> list[Match]:
    """Medicines by name: known ones, and those the sequence model is sure of that are on its list of drug names."""
    known = list(drugs().find(text))
    return [
        *known,
        *(
            Match(entity.start, entity.end, normal_key(text[entity.start : entity.end]))
            for entity in surely(text, "drug", _SURE)
            if phrase_key(text[entity.start : entity.end]) in word_lists()["C"]
            and not any(m.start < entity.end and entity.start < m.end for m in known)
        ),
    ]


def _mention(name: str, run: Run, offset: int, span: tuple[int, int], text: str, sig: Sig, kind: str) -> list[Draft]:
    context = context_of(text, *span, section=kind)
    if context.negated or context.subject == "family" or not plausible_name(name):
        return []
    if re.search(
        r"\b(?:allerg\w*|intoleran\w*|reaction to|levels?)\b", text[max(0, span[0] - 60) : span[1] + 20], re.I
    ):
        return []
    fields = {"dose": sig.dose, "route": sig.route, "frequency": sig.frequency, "status": sig.status}
    dates = find_dates(text)
    date = dates[0].iso if len(dates) == 1 else None
    return [Draft("medications", name, run.part(offset + span[0], offset + span[1]), 0.8, date, fields)]


def _name_start(text: str, low: int, strength: int) -> int | None:
    """Where the name before a strength starts: up to six words that can be of a name."""
    words = list(re.finditer(r"\S+", text[low:strength]))[-6:]
    begin: int | None = None
    for word in reversed(words):
        bare = word.group()
        if bare.lower().strip(",") in _NOT_NAME or not _NAME_WORD.match(bare) or bare.endswith((",", ".", ":", ";")):
            break
        begin = low + word.start()
    return begin
