"""Reads conditions and allergies from table records, list lines and sentences."""

from __future__ import annotations

import re
from typing import Any

from exora.documents.analysis.context import Context, context_of
from exora.documents.analysis.dates import find_dates, first_date
from exora.documents.analysis.draft import Draft, clean_name, is_nothing, looks_like_sentence, plausible_name
from exora.documents.analysis.geometry import Run
from exora.documents.analysis.lexicon import conditions, drugs, measurements, vaccines
from exora.documents.analysis.lists import Entry, split_inline, take_apart
from exora.documents.analysis.sequence import surely

Cells = dict[str, Run]
#: From this probability on the sequence model's word is taken that something is a problem.
_SURE = 0.75
_RESOLVED = re.compile(r"\b(?:resolved|inactive|remission|past|historical|ended|completed|abated)\b", re.I)
_LEADING = re.compile(
    r"^(?:the patient (?:has|had) (?:a )?)?(?:(?:past|prior|personal|known|significant|remote)\s+(?:medical\s+)?)?"
    r"(?:history of|h/o|hx of|status post|s/p)\s+|^(?:and|or|with|acute on)\s+(?=[A-Z])|^(?:principal|primary|"
    r"secondary|other|"
    r"active|chronic problem|final|admitting|discharge)\s*(?:diagnos[ie]s)?\s*:\s*|^(?:no|denies|negative for)\s+",
    re.I,
)
_RELATIVE = re.compile(
    r"^\W*((?:maternal |paternal )?(?:mother|father|brother|sister|grandmother|grandfather|aunt|uncle|son|"
    r"daughter|cousin|sibling|"
    r"parents?)s?)\s*(?:[:,–—-]+|\bhad\b|\bhas\b|\bwith\b)?\s*",
    re.I,
)
_TAGGED = re.compile(
    r"((?:[A-Z][\w'’+/-]*|\d+)(?:[ ,]+(?!and\b|with\b|was\b|is\b|were\b|has\b)[\w'’+/%-]+){0,11}?)\s\((?:disorder|"
    r"finding|situation|morphologic abnormality)\)"
)
_ANNOUNCED = re.compile(
    r"\b(?:diagnos(?:ed with|es (?:of|include|are)|is (?:of|is))|history of|treated for|suffers? from|"
    r"conditions? (?:include|are)|"
    r"problems? (?:include|are)|presents? (?:with|for)|presented (?:with|for)|admitted (?:with|for)|evaluated for|"
    r"known to have|managed for|includes|significant for|remarkable for|diagnosis of|seen for|follow-up of)\s*:?\s+",
    re.I,
)
_DENIED = re.compile(r"^\W*(?:no|denies|denied|negative for|without)\b", re.I)
_QUALIFIER = re.compile(
    r"(?:(?:acute|chronic|recurrent|bilateral|left|right|upper|lower|chest|abdominal|wrist|leg|ankle|foot|knee|"
    r"hip|back|neck|arm|hand|"
    r"shoulder|elbow|calf|flank|groin|pelvic|mitral|tricuspid|aortic|pleural|pericardial|pulmonary|cardiac|renal|"
    r"hepatic|gastric|"
    r"carotid|coronary|ventricular|atrial|interstitial|peripheral|pleuritic|pedal|facial|joint|muscle|bibasilar|"
    r"access site|"
    r"left ventricular|retrosternal|substernal|epigastric|lumbar|cervical|easy|severe|moderate|nasal|ear|eye|"
    r"urinary|skin|wound)\s+)+$",
    re.I,
)
_PLACED = re.compile(
    r"\b(?:(?:left|right|bilateral|acute|chronic|lower|upper)\s+)*(?:chest|abdominal|wrist|leg|ankle|foot|knee|"
    r"hip|back|neck|arm|hand|"
    r"shoulder|elbow|calf|flank|groin|pelvic|joint|muscle|throat|head|jaw|ear|eye|facial|lip|tongue|soft tissue|"
    r"heel|toe|finger|rib|"
    r"thigh|breast|scalp|skin|rectal|vaginal|nasal|pleuritic|epigastric)\s+"
    r"(?:pain|swelling|injury|tenderness|soreness|fracture|infection|edema|rash|lesions?|ulcers?|discomfort|"
    r"tightness|weakness|"
    r"numbness|stiffness|bleeding|mass|cramps?|spasms?|sprain|strain|laceration|contusion|burn)\b",
    re.I,
)
_SEVERITY = re.compile(
    r"\b(mild(?: to moderate)?|moderate(?: to severe)?|severe|life[- ]threatening|fatal|high|low|unable to assess)\b",
    re.I,
)
_NO_ALLERGY = re.compile(
    r"\b(?:n\.?k\.?d?\.?a\.?|nka|no (?:known |documented |reported )?(?:drug |medication |food |environmental )?"
    r"(?:allerg(?:y|ies)|intolerances?)(?: to (?:drugs?|medications?))?(?: (?:on file|recorded|documented|"
    r"reported|known))?|no known (?:drug|medication|food) (?:or \w+ )?allergies|"
    r"not allergic|denies (?:any )?(?:known )?(?:drug )?allergies)\b",
    re.I,
)
_NOT_ALLERGEN = re.compile(
    r"^(?:allerg(?:y|ies|en)|reactions?|severity|type|status|substance|verified|drug|food|environmental|"
    r"medication|date|onset|"
    r"active|none|category|criticality|comments?|noted|recorded)s?$",
    re.I,
)
_REACTIONS = re.compile(
    r"\b(?:hives|rash|urticaria|anaphyla\w+|swelling|angioedema|itching|pruritus|nausea|vomiting|diarrhea|"
    r"wheezing|bronchospasm|"
    r"dyspnea|shortness of breath|cough|dizziness|headache|stomach upset|gi upset|upset stomach|skin eruption|eruption|"
    r"sneezing|runny nose|congestion|watery eyes|throat \w+|hypotension|fever|confusion|unknown reaction|edema|"
    r"flushing|eczema|rhinitis)\b",
    re.I,
)


def _condition(name: str, run: Run, date: str | None, context: Context, sure: float) -> Draft:
    fields: dict[str, Any] = {
        "negated": context.negated,
        "temporality": context.temporality,
        "subject": context.subject,
    }
    return Draft("conditions", name, run, sure, date, fields)


#: Codes printed in brackets behind a name, "(401.9, I10)", and a status that shares its cell.
_CODES_BEHIND = re.compile(
    r"\s*[(\[]\s*(?:(?:icd[- ]?(?:9|10)?(?:-cm)?|snomed(?:[- ]ct)?|cms/hcc|hcc)\b[\s:]*)?"
    r"(?:[A-Z]?\d[\dA-Z]{1,2}(?:\.\w{1,4})?|\d{6,18}|cms/hcc|hcc)(?:\s*[,;/]\s*[A-Z]?\d[\w.]+)*\s*[)\]].*$",
    re.I | re.S,
)
_STATUS_BEHIND = re.compile(r"\s+(?:status|onset|problem status|resolved)\s*:.*$", re.I)


def _bare(name: str) -> str:
    """A condition's name without printed codes and status behind it."""
    return clean_name(_STATUS_BEHIND.sub("", _CODES_BEHIND.sub("", name)) or name)


def from_cells(cells: Cells, kind: str) -> list[Draft]:
    """The condition of one table record."""
    cell = cells.get("condition") or cells.get("name")
    if cell is None or is_nothing(cell.text):
        return []
    name = _bare(cell.text)
    if not plausible_name(name):
        return []
    context = context_of(cell.text, 0, len(cell.text), section=kind)
    ended = ("status" in cells and _RESOLVED.search(cells["status"].text)) or (
        "end" in cells and first_date(cells["end"].text)
    )
    if ended and context.temporality == "current":
        context = context._replace(temporality="historical")
    run = cell
    for role in ("date", "status", "end", "code"):
        run = run + cells[role] if role in cells else run
    return [_condition(name, run, first_date(cells["date"].text) if "date" in cells else None, context, 0.97)]


def from_entry(entry: Entry, kind: str) -> list[Draft]:
    """The conditions on one line of a problem list, a history or a family history."""
    if (
        _DENIED.match(entry.run.text)
        or looks_like_sentence(entry.run.text)
        or (kind == "family" and _RELATIVE.match(entry.run.text))
    ):
        return from_sentence(entry.run, 0, len(entry.run.text), kind)
    parts = split_inline(entry.run)
    pieces = [entry] if len(parts) == 1 else [Entry(part, (part,)) for part in parts]
    drafts: list[Draft] = []
    for piece in pieces:
        prose = _DENIED.match(piece.run.text) or (len(parts) > 1 and looks_like_sentence(piece.run.text))
        found = from_sentence(piece.run, 0, len(piece.run.text), kind) if prose else _from_piece(piece, kind)
        drafts.extend(found)
    return drafts


def _from_piece(piece: Entry, kind: str) -> list[Draft]:
    taken = take_apart(piece)
    text = piece.run.text
    name = taken.name
    lead = _LEADING.match(name)
    named = (
        name[lead.end() :].strip()
        if lead and not name.lower().startswith(("history of app", "history of card"))
        else name
    )
    if not plausible_name(named) or len(named.split()) > 16 or not (named[0].isalnum() or named[0] in "([\"'"):
        return []
    context = context_of(text, max(text.find(named), 0), taken.end, section=kind)
    rest = taken.rest
    if context.temporality == "current" and (
        _RESOLVED.search(rest) or (len(taken.dates) > 1 and re.search(r"\d\s*(?:-|–|—|to|until)\s*\d", rest))
    ):
        context = context._replace(temporality="historical")
    date = taken.dates[0].iso if taken.dates else None
    if date is None and (year := re.search(r"(?:since|in|onset:?|\(|,|dx)\s*((?:19|20)\d\d)\b", rest, re.I)):
        date = year.group(1)
    return [_condition(_bare(named), piece.run, date, context, 0.9)]


def from_sentence(run: Run, start: int, end: int, kind: str) -> list[Draft]:
    """Conditions named in a sentence: known names, names with "(disorder)", and what an announcing phrase lists."""
    text = run.text[start:end]
    spans: list[tuple[int, int, float]] = [(m.start(1), m.end(), 0.88) for m in _TAGGED.finditer(text)]
    spans = [(_trim_announced(text, a, b), b, sure) for a, b, sure in spans]
    known = [(m.start(), m.end(), 0.8) for m in _PLACED.finditer(text)]
    known = [
        *known,
        *(found for found in _lexical(text) if not any(a < found[1] and found[0] < b for a, b, _ in known)),
    ]
    # "Influenza, seasonal" is a vaccine and "Body Mass Index" a measurement, neither a condition.
    elsewhere = [(m.start, m.end) for names in (vaccines(), measurements()) for m in names.find(text)]
    known = [span for span in known if not any(c <= span[0] and span[1] < d for c, d in elsewhere)]
    known.extend(
        (_qualified(text, entity.start), entity.end, 0.85 * entity.probability)
        for entity in surely(text, "problem", _SURE)
        if not any(a < entity.end and entity.start < b for a, b, *_ in [*known, *spans, *elsewhere])
    )
    for announced in _ANNOUNCED.finditer(text):
        spans.extend(_listed(text, announced.end(), spans, known))
    spans.extend((m, n, sure) for m, n, sure in known if not any(a < n and m < b for a, b, _ in spans))
    dates = find_dates(text)
    drafts = []
    for a, b, sure in sorted(spans):
        name = clean_name(re.sub(r"^(?:an?|the|his|her|known|some|any)\s+", "", text[a:b], flags=re.I))
        if not plausible_name(name) or _allergy_words(text, a, b):
            continue
        context = context_of(text, a, b, section=kind, others=[(m, n) for m, n, _ in spans if n <= a])
        after = [d.iso for d in dates if 0 <= d.start - b < 25]
        drafts.append(_condition(name, run.part(start + a, start + b), after[0] if after else None, context, sure))
    return drafts


def _qualified(text: str, start: int) -> int:
    """Where a known name starts with the words of place and kind before it: "right wrist pain"."""
    match = _QUALIFIER.search(text[max(0, start - 40) : start])
    return start - len(match.group()) if match else start


def _lexical(text: str) -> list[tuple[int, int, float]]:
    return [(_qualified(text, match.start), match.end, 0.85) for match in conditions().find(text)]


def _trim_announced(text: str, start: int, end: int) -> int:
    """Leaves out words before a tagged name that announce it."""
    last = start
    for match in _ANNOUNCED.finditer(text[start:end]):
        last = start + match.end()
    return last


def _allergy_words(text: str, start: int, end: int) -> bool:
    return re.search(r"\ballerg(?:ic|y|ies)\s+(?:to\s+)?$", text[:start], re.I) is not None


def _listed(
    text: str, at: int, taken: list[tuple[int, int, float]], known: list[tuple[int, int, float]]
) -> list[tuple[int, int, float]]:
    """Names listed after an announcing phrase that start with a capital or are known, up to the first other words."""
    stop = re.search(
        r"[.:;\n]|\b(?:on|in|who|which|since|for|was|were|is|at|from|by|after|when|during|has|had|without|but)\b",
        text[at:],
    )
    limit = at + stop.start() if stop else len(text)
    spans: list[tuple[int, int, float]] = []
    position = at
    masked = text
    for a, b, _ in known:
        masked = masked[:a] + re.sub(r"[,\s]", "_", masked[a:b]) + masked[b:]
    for cut in re.split(r"(,\s*(?:and\s+)?|\s+and\s+)", masked[at:limit]):
        piece = text[position : position + len(cut)]
        begin, position = position, position + len(piece)
        bare = re.sub(r"^(?:an?|the|known|acute on)\s+", "", piece)
        begin += len(piece) - len(bare)
        words = bare.split()
        if not words or len(words) > 8 or any(a < position and begin < b for a, b, _ in taken):
            continue
        if (
            (
                bare[0].isupper()
                and len(words) <= 8
                and bare not in drugs()
                and not re.search(r"\d\s?m[gl]\b", bare, re.I)
            )
            and begin > at - 1
            and not re.match(r"(?:Mr|Mrs|Ms|Dr|He|She|The|This|Patient|Dear|I)\b", bare)
        ):
            spans.append((begin, begin + len(bare.rstrip()), 0.75))
    return spans


def allergy_from_cells(cells: Cells, kind: str) -> list[Draft]:
    """The allergy of one table record."""
    cell = cells.get("allergen") or cells.get("name")
    if cell is None:
        return []
    if _NO_ALLERGY.search(cell.text):
        return [no_allergy(cell)]
    name = clean_name(cell.text)
    if not plausible_name(name):
        return []
    run = cell
    for role in ("reaction", "severity", "date"):
        run = run + cells[role] if role in cells else run
    fields: dict[str, Any] = {"reaction": _cell_text(cells, "reaction"), "severity": _cell_text(cells, "severity")}
    return [Draft("allergies", name, run, 0.97, first_date(cells["date"].text) if "date" in cells else None, fields)]


def _cell_text(cells: Cells, role: str) -> str | None:
    cell = cells.get(role)
    return None if cell is None or is_nothing(cell.text) else cell.text.strip(" ,;.")


def no_allergy(run: Run) -> Draft:
    """The statement that no allergy is known."""
    return Draft(
        "allergies",
        clean_name(run.text) if len(run.text) < 60 else "No known allergies",
        run,
        0.95,
        None,
        {"negated": True},
    )


def allergy_from_entry(entry: Entry, kind: str) -> list[Draft]:
    """The allergies on one line: "Penicillin — hives (moderate)", "Allergic to latex", "NKDA"."""
    text = entry.run.text
    none = _NO_ALLERGY.search(text)
    if none:
        return [no_allergy(entry.run.part(none.start(), none.end()))]
    if is_nothing(text):
        return []
    allergic = re.match(r"(?:.{0,30}\b(?:is|was) )?(?:\ballergic to|intolerant (?:of|to))\s+", text, re.I)
    run = entry.run.part(allergic.end(), len(text)) if allergic else entry.run
    parts = split_inline(run)
    if len(parts) == 1 and looks_like_sentence(text) and not allergic:
        return []
    pieces = [entry] if len(parts) == 1 and not allergic else [Entry(part, (part,)) for part in parts]
    return [draft for piece in pieces for draft in _allergy(piece)]


_ALLERGEN_END = re.compile(
    r"\s*(?:\s[-–—:>]+\s|[—:;]|\((?=[^)]*(?:\)\W*$|\d))|->|→|,|\s(?:causes?|causing|with|which|caused|reaction|"
    r"results? in|leads to|and (?:she|he))\b|\.(?=\s|$))",
    re.I,
)


def _allergy(piece: Entry) -> list[Draft]:
    taken = take_apart(piece)
    text = piece.run.text
    cut = _ALLERGEN_END.search(text, taken.start + 1, taken.end)
    end = cut.start() if cut else taken.end
    name = clean_name(re.sub(r"^(?:and|or|the)\s+", "", text[taken.start : end]))
    if not plausible_name(name) or _NOT_ALLERGEN.match(name) or len(name.split()) > 10:
        return []
    rest = text[end:]
    severity = _SEVERITY.search(rest)
    reactions = [m.group() for m in _REACTIONS.finditer(rest)]
    reaction = ", ".join(reactions) or None
    date = taken.dates[0].iso if taken.dates else None
    return [
        Draft(
            "allergies",
            name,
            piece.run,
            0.9,
            date,
            {"reaction": reaction, "severity": severity.group() if severity else None},
        )
    ]


_NAMED_ALLERGY = re.compile(
    r"\b(?:has an?|had an?|with an?|documented|known|reported|confirmed)\s+(?:(?:documented|known|reported|severe)\s+)?"
    r"((?!no\b|drug\b|food\b|seasonal\b)[A-Za-z][\w()-]{2,20}(?: [\w()-]{2,20}){0,2}? allerg(?:y|ies))\b",
    re.I,
)


def allergy_from_sentence(run: Run, start: int, end: int) -> list[Draft]:
    """Allergies stated in prose: "allergic to penicillin", "no known drug allergies"."""
    text = run.text[start:end]
    none = _NO_ALLERGY.search(text)
    if none and context_of(text, none.start(), none.end()).subject == "family":
        return []
    if none:
        return [no_allergy(run.part(start + none.start(), start + none.end()))]
    match = re.search(r"\b(?:is|are|was)?\s*(?:(not) )?(?:allergic to|(?:an )?allergy to|allergies to)\s+", text, re.I)
    if match is None and (named := _NAMED_ALLERGY.search(text)):
        if context_of(text, named.start(1), named.end()).subject == "family":
            return []
        return [Draft("allergies", named.group(1), run.part(start + named.start(1), start + named.end()), 0.8)]
    if not match or match.group(1) or context_of(text, match.start(), match.end()).subject == "family":
        return []
    stop = re.search(r"[.;]|\b(?:but|who|and (?:is|has|was|takes))\b", text[match.end() :])
    piece = run.part(start + match.end(), start + match.end() + (stop.start() if stop else len(text)))
    return [draft for part in split_inline(piece) for draft in _allergy(Entry(part, (part,)))] if piece else []
