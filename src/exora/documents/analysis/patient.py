"""Reads who the patient is from the head of a document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from exora.documents.analysis.dates import first_date
from exora.documents.analysis.draft import clean_name
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.sections import Section
from exora.domain.record import Identifier, Patient

#: Rows of each page that can hold the patient's header.
_HEAD_ROWS = 40
_KEYS: dict[str, str] = {
    "name": r"patient(?:'s)?(?: full)? name|full name|patient|name|re|regarding|name of patient|pt(?:\.| name)?",
    "birth": r"d\.?o\.?b\.?|date of birth|birth ?date|born(?: on)?|birth",
    "sex": r"sex|gender|administrative sex|sex assigned at birth|sex at birth",
    "MRN": r"mrn|medical record(?: number| no\.?| #)?|med rec(?: no\.?| #)?|mr ?#|patient id(?:entifier)?|"
    r"chart(?: number| no\.?| #)?|hospital (?:number|no\.?)|record (?:number|no\.?)|patient (?:number|no\.?)|mrn ?#",
    "SSN": r"ssn|social security(?: number| no\.?)?",
    "account": r"account(?: number| no\.?| #)?|acct(?:\.| #)?|encounter (?:number|id)|visit (?:number|id|no\.?)|csn",
    "driver's license": r"driver'?s? licen[cs]e(?: number| no\.?)?",
    "passport": r"passport(?: number| no\.?)?",
    "NHS number": r"nhs(?: number| no\.?)",
    "insurance": r"(?:insurance|member|policy|subscriber) (?:id|number|no\.?)|health insurance number",
}
_KEY = re.compile(
    r"(?<![\w'])(?:"
    + "|".join(f"(?P<k{index}>{pattern})" for index, pattern in enumerate(_KEYS.values()))
    + r")\s*(?::|#|=|\bno\.)\s*#?\s*",
    re.I,
)
_ANY_KEY = re.compile(r"(?:^|\s)(?:[A-Z][\w.'/#-]*\s){0,3}[A-Z][\w.'/#-]*\s?:")
_SEX = re.compile(r"\b(male|female|m|f|man|woman|boy|girl|gentleman|lady|other|unknown|non-?binary)\b", re.I)
_NAME = re.compile(
    r"(?:(?:Mr|Mrs|Ms|Miss|Dr|Mx|MR|MRS|MS)\.?\s+)?[^\W\d_a-z][\w'’.-]*(?:,?\s+(?:(?:de|van|von|der|la|del|bin|al|"
    r"da|di|dos)\s+)*"
    r"[^\W\d_a-z][\w'’.-]*){1,5}"
)
_PREFIX = re.compile(r"^(?:mr|mrs|ms|miss|mx|dr)\.?\s+", re.I)
_NUMBER = re.compile(r"[A-Za-z0-9][\w./-]*\d[\w./-]*")
_LETTER_HEAD = re.compile(
    r"\b((?:Mr|Mrs|Ms|Miss)\.?\s+[^\W\d_][\w'’-]+(?:\s+[^\W\d_][\w'’-]+){0,3}),?\s*(?:\(?(?:d\.?o\.?b\.?|born|"
    r"date of birth)[:\s]*(?:on\s+)?)"
)
_AGE_SEX = re.compile(
    r"\b\d{1,3}[- ]?(?:year|yr|y/?o|month|mo)\w*[- ]?(?:old)?[- ,]+(?:\w+ ){0,2}?(male|female|man|woman|boy|girl|"
    r"gentleman|lady|m|f)\b",
    re.I,
)
_BARE_BIRTH = re.compile(r"\b(?:d\.?o\.?b\.?|date of birth|birth ?date|born(?: on)?)\s+(?=\w{0,9}\.?\s?\d)", re.I)
_AGE_SEX_SHORT = re.compile(
    r"\(?\b(M|F|Male|Female)\b\s*[,/]\s*\d{1,3}\s?(?:y|yrs?|years?)\b|\b\d{1,3}\s?(?:y|yo|yrs?)?\s?/\s?(M|F)\b|"
    r"\b(male|female) patient\b|\(\s*(M|F|Male|Female)\s*[,)]|[|,;•]\s*(Male|Female)\s*(?:[|,;•]|$)"
)


def _sex(text: str) -> Literal["male", "female", "other", "unknown"] | None:
    match = _SEX.search(text)
    if not match:
        return None
    word = match.group().lower()
    if word in {"m", "male", "man", "boy", "gentleman"}:
        return "male"
    if word in {"f", "female", "woman", "girl", "lady"}:
        return "female"
    return "unknown" if word == "unknown" else "other"


def _name(text: str) -> str | None:
    match = _NAME.match(text.strip())
    if not match:
        return None
    name = _PREFIX.sub("", clean_name(match.group()))
    family, comma, given = name.partition(",")
    if comma and given.strip():
        name = f"{given.strip()} {family.strip()}"
    return name if len(name) > 2 and " " in name else None


def key_values(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Every "Key: value" about the patient in the rows; the value may stand in the next segment."""
    names = list(_KEYS)
    for row in rows:
        for index, segment in enumerate(row.segments):
            text = segment.text
            following = row.segments[index + 1].text if index + 1 < len(row.segments) else ""
            if index + 1 < len(row.segments) and not text.endswith(":") and _KEY.fullmatch(text + ":"):
                text += ":"
            matches = list(_KEY.finditer(text))
            for number, match in enumerate(matches):
                until = matches[number + 1].start() if number + 1 < len(matches) else len(text)
                value = text[match.end() : until].strip()
                if not value and number + 1 == len(matches):
                    value = following
                kind = names[int(next(k for k, v in match.groupdict().items() if v)[1:])]
                other = _ANY_KEY.search(value)
                yield kind, value[: other.start()].strip() if other and other.start() else value


def read_patient(rows: Sequence[Row], sections: Sequence[Section]) -> Patient:
    """The patient's name, birth date, sex and numbers, from "Key: value" pairs, header tables and the opening words."""
    head = _head(rows)
    found: dict[str, str] = {}
    identifiers: dict[str, str] = {}
    for kind, value in [*_from_tables(sections), *key_values(head)]:
        _take(kind, value, found, identifiers)
    opening = " ".join(row.text for row in head)
    if "name" not in found and (letter := _LETTER_HEAD.search(opening)):
        _take("name", letter.group(1), found, identifiers)
        _take("birth", opening[letter.end() : letter.end() + 30], found, identifiers)
    for row in head:
        _from_bare_birth(row, found, identifiers)
    if "sex" not in found:
        match = _AGE_SEX.search(opening) or _AGE_SEX_SHORT.search(opening)
        if match:
            _take("sex", next(group for group in match.groups() if group), found, identifiers)
    return Patient(
        name=found.get("name"),
        birth_date=found.get("birth"),
        sex=_sex(found.get("sex", "")),
        identifiers=[Identifier(type=kind, value=value) for kind, value in identifiers.items()],
    )


def _from_bare_birth(row: Row, found: dict[str, str], identifiers: dict[str, str]) -> None:
    """A line such as "Jane Doe | DOB 03/12/1961 | Female", where no colon parts keys and values."""
    birth = _BARE_BIRTH.search(row.text)
    if birth is None:
        return
    number = re.search(r"\bMRN\s+([A-Z]?\d[\w-]{3,})", row.text)
    if number:
        identifiers.setdefault("MRN", number.group(1))
    if "birth" not in found:
        _take("birth", row.text[birth.end() :], found, identifiers)
    before = re.split(r"[|;•(]", row.text[: birth.start()].strip(" |,;•(-–"))[0]
    if "name" not in found and before:
        _take("name", re.sub(r"^(?:patient|name|re)\b[:\s]*", "", before, flags=re.I), found, identifiers)
    alone = next((segment.text for segment in row.segments if _SEX.fullmatch(segment.text.strip(" |,;"))), None)
    if alone and "sex" not in found:
        found["sex"] = alone


_ADMINISTRATIVE = re.compile(
    r"^(?:patient(?: name| id)?|(?:medical )?record (?:number|no)|mrn|d\.?o\.?b|date of birth|birth ?date|sex|"
    r"gender|phone|tel|fax|"
    r"address|prepared(?: by| on)?|printed(?: on| by)?|report(?:ed)? (?:date|by)|page|physician|provider|author|"
    r"signed(?: by)?|"
    r"electronically signed.*|facility|account.*|ssn|insurance|pharmacy|primary care.*|attending.*|ordering.*|"
    r"reviewed by|"
    r"entered by|verified by|last updated|as of|date(?: printed| prepared)?|prescriber|ward|age)$",
    re.I,
)


_SIGNED = re.compile(
    r"\b(?:released|signed|dictated|transcribed|verified|authenticated|recorded|reviewed|prepared|reported|"
    r"entered|printed)\b"
    r".{0,12}\bby\b",
    re.I,
)


_IDENTITY = re.compile(r"\b(?:MRN|DOB|SSN|[Dd]ate [Oo]f [Bb]irth|[Bb]irth ?[Dd]ate)\b\s*[:#]")


def is_administrative(row: Row) -> bool:
    """Whether a row of a list is about the patient, the author or the print-out rather than an entry."""
    text = row.text
    first = row.segments[0].text if len(row.segments) > 1 else text.partition(":")[0]
    if _ADMINISTRATIVE.match(first.strip(" :")):
        return True
    if _SIGNED.search(text):
        return True
    return _BARE_BIRTH.search(text) is not None or _IDENTITY.search(text) is not None


def _head(rows: Sequence[Row]) -> list[Row]:
    counts: dict[int, int] = {}
    head = []
    for row in rows:
        counts[row.page] = counts.get(row.page, 0) + 1
        if counts[row.page] <= _HEAD_ROWS:
            head.append(row)
    return head


def _from_tables(sections: Sequence[Section]) -> Iterator[tuple[str, str]]:
    kinds = {"patient": "name", "name": "name", "birth": "birth", "sex": "sex", "mrn": "MRN"}
    for section in sections:
        for table in section.tables:
            if table.list_name == "patient" and table.records:
                cells: dict[str, Run] = table.records[0]
                yield from ((kind, cells[role].text) for role, kind in kinds.items() if role in cells)


def _take(kind: str, value: str, found: dict[str, str], identifiers: dict[str, str]) -> None:
    if kind == "name":
        name = _name(value)
        if name:
            found.setdefault("name", name)
        if date := first_date(value, years=False):
            found.setdefault("birth", date)
    elif kind == "birth":
        if date := first_date(value, years=False):
            found.setdefault("birth", date)
    elif kind == "sex":
        if _sex(value.split("(")[0]):
            found.setdefault("sex", value)
    elif number := _NUMBER.match(value.strip("# ")):
        identifiers.setdefault(kind, number.group().rstrip(".-/"))
