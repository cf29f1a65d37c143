"""Reads laboratory values and vital signs from table records, list lines and sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from exora.documents.analysis.dates import find_dates, first_date
from exora.documents.analysis.draft import Draft, clean_name, is_nothing, looks_like_sentence, plausible_name
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.lexicon import Match, is_vital, measurements, normal_key
from exora.documents.analysis.sequence import surely
from exora.documents.analysis.values import (
    Range,
    Tail,
    find_flag,
    read_flag,
    read_range,
    read_tail,
    read_unit,
    read_value,
)

#: From this probability on the sequence model's word is taken that something is a test.
_SURE = 0.6
Cells = dict[str, Run]
_NOT_A_TEST = re.compile(
    r"\b(?:accession|order(?:ed)?|specimen|page|phone|tel|fax|id|number|no|age|aged|room|npi|zip|director|account|"
    r"mrn|clia|dob|date|time|version|ref(?:erence)?(?: range)?|suite|street|box|normal|range|collected|received|"
    r"printed|"
    r"value|result|reading|cpt|snomed(?:[ -]ct)?|loinc|rxnorm|icd(?:-\d+)?(?:-cm)?|unii|ndc|cvx|patient|copyright|day|"
    r"days|week|year|years|dose|lot|code)\b[\s.:#]*$",
    re.I,
)
#: "HGB (M 13-18 g/dl; F 12-16 g/dl)": what is normal, told beside the name.
_BRACKETED_RANGE = re.compile(r"\([^()]*\d\s*[-–]\s*\d[^()]*\)")
_UNIT_OF_RANGE = re.compile(r"\d\s*[-–]\s*\d[\d.]*\s*([^\s();]+(?:\s?/\s?\w+)?)")
_RANGE_IN_NAME = re.compile(r"\s*\b(?:ref(?:erence)?\.?\s+)?range\s*:.*$|\s*\([^()]*\d\s*[-–]\s*\d[^()]*\)\s*$", re.I)
_RANGE_BEFORE = re.compile(r"\b(?:standard|reference|normal|expected)\s+range\b", re.I)
#: "Body weight (kg)": the unit of a whole row, told beside the name.
_UNIT_IN_NAME = re.compile(r"\s*[(\[]([^()\[\]]{1,14})[)\]]$")
#: What is left of a date and time, or of a cell of them printed over two lines, before a name.
_TIME_BEFORE = re.compile(r"^(?:\d{1,2}:\d\d(?::\d\d)?\s*(?:[AP]M\b)?|[AP]M(?=\s+[A-Z]))\s*", re.ASCII)
_PRESSURE = re.compile(r"^(?:\w+ )?(?:b\.?p\.?|blood pressure)\b", re.I)
_DOSE_RATE = re.compile(r"/\s?(?:h|hr|hour|kg|dose|day|min)$", re.I)
_LINK = re.compile(
    r"\s*(?:\([^)]{1,20}\))?\s*(?:level|count|value|reading|readings)?\s*(?:today|now|currently)?\s*(?::|=|"
    r"-(?=\s)|–|,)?\s*"
    r"(?:was|were|is|of|at|measured|measures|came back at|came back|returned at|remained|remains|stable at|elevated at|"
    r"low at|high at|elevated to|up to|down to)?\s*(?:at|as|about|approximately|around)?\s*(?:last |today )?",
    re.I,
)


def _float_range(found: Range | None) -> dict[str, float | None]:
    return {"range_low": found.low if found else None, "range_high": found.high if found else None}


#: What a sentence says between a test and its value.
_SAID = re.compile(
    r"\s+(?:(?:was|were|is|has been)\s+)?(?:measured|came back|found|returned|reported)(?:\s+(?:at|as))?$"
)


def _drafts(
    name: str, value: str, run: Run, date: str | None, fields: dict[str, object], sure: float
) -> Iterator[Draft]:
    """One result, or two for a blood pressure such as 128/82."""
    name = _SAID.sub("", name)
    vital = is_vital(name)
    pair = re.fullmatch(r"(\d{2,3}(?:\.\d+)?)/(\d{2,3}(?:\.\d+)?)", value)
    if pair and (_PRESSURE.search(name) or str(fields.get("unit") or "").lower().startswith("mm")):
        for label, part in zip(("Systolic blood pressure", "Diastolic blood pressure"), pair.groups(), strict=True):
            yield Draft("results", label, run, sure, date, {**fields, "value": part, "category": "vital"})
        return
    category = "vital" if vital or fields.get("category") == "vital" else "laboratory"
    yield Draft("results", name, run, sure, date, {**fields, "value": value, "category": category})


def from_cells(cells: Cells, kind: str) -> list[Draft]:
    """The results of one table record: a test's value, or values of one test per date or per column."""
    date = first_date(cells["date"].text) if "date" in cells else None
    drafts: list[Draft] = []
    for role, cell in cells.items():
        if role.startswith("test@") and not is_nothing(cell.text):
            drafts.extend(_from_value_cell(role[5:], Run(()), cell, cells, date, kind))
    if drafts:
        return drafts
    name_cell = cells.get("test") or cells.get("name")
    if name_cell is None:
        return []
    for role, cell in cells.items():
        if role.startswith("date@") and not is_nothing(cell.text):
            drafts.extend(_from_value_cell(name_cell.text, name_cell, cell, cells, first_date(role[5:]) or date, kind))
    if not drafts and (value := cells.get("value")) is not None:
        drafts.extend(_from_value_cell(name_cell.text, name_cell, value, cells, date, kind))
    return drafts


def _from_value_cell(name: str, name_run: Run, cell: Run, cells: Cells, date: str | None, kind: str) -> Iterator[Draft]:
    label = clean_name(_RANGE_IN_NAME.sub("", name) or name)
    unit: str | None = None
    if not name_run:
        head, _, inside = label.partition("(")
        unit = inside.rstrip(") ") or None
        label = head.strip() if inside else label
    elif (
        (named := _UNIT_IN_NAME.search(label))
        and (whole := read_unit(named.group(1)))
        and whole.end == len(named.group(1))
    ):
        label, unit = label[: named.start()], whole.text
    if not plausible_name(label) or is_nothing(cell.text):
        return
    value, tail = _split_value(cell.text)
    if value is None:
        return
    if "unit" in cells and not is_nothing(cells["unit"].text):
        printed = cells["unit"].text.strip(" |—–_")
        whole = read_unit(printed)
        unit = whole.text if whole and whole.end >= len(printed) - 1 else printed
    elif tail is not None and tail.unit:
        unit = tail.unit
    found = read_range(cells["range"].text) if "range" in cells else (tail.range if tail else None)
    if unit is None and "range" in cells and found and (after := read_unit(cells["range"].text[found.end :])):
        unit = after.text
    flag = _flag_cell(cells) or (tail.flag if tail else None)
    run = name_run + cell
    for role in ("unit", "range", "flag", "date"):
        run = run + cells[role] if role in cells else run
    fields: dict[str, object] = {"unit": unit, "flag": flag, **_float_range(found)}
    if kind == "vitals":
        fields["category"] = "vital"
    yield from _drafts(label, value, run, date, fields, 0.97 if name_run else 0.93)


def _flag_cell(cells: Cells) -> str | None:
    cell = cells.get("flag")
    return (read_flag(cell.text) or (None if is_nothing(cell.text) else cell.text[:24])) if cell else None


def _split_value(text: str) -> tuple[str | None, Tail | None]:
    """The value of a value cell, and what follows it there; words stand as they are."""
    lead = find_flag(text.split(" ")[0]) if " " in text else None
    body = text[lead.end :].lstrip() if lead else text
    found = read_value(body)
    if found is None:
        return (text.strip() if any(map(str.isalnum, text)) and len(text) <= 80 else None), None
    tail = read_tail(body[found.end :])
    rest = body[found.end + tail.end :].strip(" .,;()*")
    if rest and not found.text[0].isdigit() and found.text[0] not in "<>":
        return text.strip(), None
    return found.text, tail._replace(flag=tail.flag or (lead.text if lead else None))


def from_line(run: Run, kind: str) -> list[Draft]:
    """The results on one line of a list: "Hemoglobin A1c 7.2 % (4.0-5.6) H", "BP 128/82, HR 72".

    In sections of results any name counts; elsewhere only a known one, or a value with a unit of concentration.
    """
    text = run.text
    if looks_like_sentence(text):
        return from_sentence(run, 0, len(text), kind)
    masked = text
    dates = find_dates(text)
    for date in dates:
        masked = masked[: date.start] + ";" + " " * (date.end - date.start - 1) + masked[date.end :]
    drafts: list[Draft] = []
    start = 0
    for word in re.finditer(r"\S+", masked):
        if word.start() <= start or word.start() < 2:
            continue
        read = _value_at(masked, start, word.start(), kind)
        if read is None:
            continue
        name, value, tail, end = read
        found = [d.iso for d in dates if d.start >= end] or [d.iso for d in dates]
        fields: dict[str, object] = {"unit": tail.unit, "flag": tail.flag, **_float_range(tail.range)}
        if kind == "vitals":
            fields["category"] = "vital"
        drafts.extend(_drafts(name, value, run.part(start, end), found[0] if found else None, fields, 0.9))
        start = end
    return drafts


def _value_at(text: str, start: int, at: int, kind: str) -> tuple[str, str, Tail, int] | None:
    """Name, value and what follows, if a value stands at ``at`` and a test's name before it."""
    before = text[start:at]
    if before.count("(") > before.count(")") or before.count("[") > before.count("]"):
        return None
    in_list = kind in {"results", "vitals"}
    found = read_value(text[at:], words=in_list)
    if found is None:
        return None
    bracketed = _BRACKETED_RANGE.search(before)
    before = _BRACKETED_RANGE.sub(" ", before)
    name = clean_name(re.split(r"[;]", before.rstrip(" ;"))[-1])
    name = _TIME_BEFORE.sub("", name)
    name = re.sub(r"^(?:and|with|on RA|on room air)\b[\s,]*", "", name).strip(" ,:=")
    name = re.sub(r"\s+(?:of|was|is|at|=|to)$", "", name)
    if not plausible_name(name) or len(name.split()) > 16 or _NOT_A_TEST.search(name) or _RANGE_BEFORE.search(name):
        return None
    tail = read_tail(text[at + found.end :])
    if not tail.clean:
        return None
    if bracketed and tail.unit is None and (unit := _UNIT_OF_RANGE.search(bracketed.group())):
        tail = tail._replace(unit=found_unit.text if (found_unit := read_unit(unit.group(1))) else None)
    known = name in measurements()
    if not known and (named := _known_end(name)):
        name, known = named, True
    if not known and (
        re.search(r"\d\s?(?:mm ?hg|%|bpm|/min|m[gl]\b|°)", name, re.I) or _DOSE_RATE.search(tail.unit or "")
    ):
        return None
    if (
        not in_list
        and not known
        and not (tail.unit and tail.range)
        and not (tail.unit and re.search(r"/[dmuµ]?L", tail.unit))
    ):
        return None
    if tail.unit is None and (unit := re.search(r"\s\(?(%|\S+/\S+?)\)?$", name)) and read_unit(unit.group(1)):
        name, tail = clean_name(name[: unit.start()]), tail._replace(unit=unit.group(1))
    if (
        not found.text[0].isdigit()
        and found.text[0] not in "<>≤≥-+."
        and not (known or text[:at].rstrip().endswith(":") or not text[at + found.end + tail.end :].strip())
    ):
        return None
    return name, found.text, tail, at + found.end + tail.end


def _known_end(name: str) -> str | None:
    """The known measurement that the words before a value end with, where more than its name stands there."""
    parts = re.split(r"[,:;.]\s+", name)
    return parts[-1] if len(parts) > 1 and parts[-1] in measurements() else None


def from_sentence(run: Run, start: int, end: int, kind: str) -> list[Draft]:
    """The results in a sentence: a known name, a linking word, a number that has a unit or is a pressure."""
    text = run.text[start:end]
    drafts: list[Draft] = []
    dates = find_dates(text)
    for match in _tests(text):
        printed = text[match.start : match.end]
        if len(printed) <= 3 and not printed[0].isupper():
            continue
        link = _LINK.match(text, match.end)
        at = link.end() if link else match.end
        found = read_value(text[at:], words=False)
        if found is None or any(d.start <= at < d.end for d in dates):
            continue
        tail = read_tail(text[at + found.end :])
        if tail.unit and re.search(r"/\s?(?:h|hr|hour|kg|day)\b", tail.unit, re.I):
            continue
        if tail.unit and re.fullmatch(r"(?:mg|mcg|ug|g|ml|units?|tabs?)", tail.unit, re.I) and not is_vital(printed):
            continue
        if not (
            tail.unit
            or tail.range
            or tail.flag
            or "/" in found.text
            or is_vital(printed)
            or kind in {"results", "vitals"}
        ):
            continue
        stop = at + found.end + tail.end
        fields: dict[str, object] = {"unit": tail.unit, "flag": tail.flag, **_float_range(tail.range)}
        date = dates[0].iso if len(dates) == 1 else None
        drafts.extend(_drafts(printed, found.text, run.part(start + match.start, start + stop), date, fields, 0.8))
    return drafts


def _tests(text: str) -> list[Match]:
    """Tests by name: known ones, and those the sequence model is sure of where a number follows."""
    known = list(measurements().find(text))
    if not re.search(r"\d", text):
        return known
    return [
        *known,
        *(
            Match(entity.start, entity.end, normal_key(text[entity.start : entity.end]))
            for entity in surely(text, "test", _SURE)
            if not any(m.start < entity.end and entity.start < m.end for m in known)
        ),
    ]


_TAKEN = re.compile(
    r"\b(?:collected|collection date|date collected|date of collection|specimen (?:collected|date)|drawn|"
    r"date drawn|date of service|"
    r"date of visit|visit date|date of (?:test|examination)|exam date)\b(?: on)?\s*:?\s*",
    re.I,
)
_DATE_KEY = re.compile(r"^date\s*:\s*", re.I)


def add_dates(drafts: Sequence[Draft], rows: Sequence[Row], document_type: str) -> None:
    """Gives results without a date the one the document states for all: when the specimen was collected.

    On a flowsheet of vital signs and on laboratory reports a plain "Date:" says it too.
    """
    patterns = [_TAKEN, _DATE_KEY] if document_type in {"vital_signs", "laboratory_report"} else [_TAKEN]
    date = next((found for pattern in patterns if (found := _stated(pattern, rows))), None)
    if date is None or document_type == "discharge_summary":
        return
    for draft in drafts:
        if draft.list_name == "results":
            draft.date = draft.date or date


def _stated(pattern: re.Pattern[str], rows: Sequence[Row]) -> str | None:
    for row in rows:
        for index, segment in enumerate(row.segments):
            following = row.segments[index + 1].text if index + 1 < len(row.segments) else ""
            match = pattern.search(f"{segment.text} ")
            if match:
                dates = find_dates(f"{segment.text} {following}"[match.start() :])
                if dates and dates[0].start <= match.end() - match.start() + 2:
                    return dates[0].iso
    return None
