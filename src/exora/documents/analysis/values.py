"""Reads measured values, units, reference ranges and abnormal flags."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from exora.documents.analysis.lexicon import read_lines

_LETTERS_FOR_DIGITS = str.maketrans("OolI|", "00111")
NUMBER = r"(?:[<>≤≥]=?\s?)?[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+,\d{1,2}(?!\d)|\d+)(?:\.\d+)?|(?:[<>≤≥]=?\s?)?\.\d+"
_VALUE = re.compile(rf"\*?({NUMBER})(?:\s?[xX×]\s?10\s?\^?\d+)?\*?")
_RATIO = re.compile(r"\d{2,3}(?:\.\d+)?\s?/\s?\d{2,3}(?:\.\d+)?")
_TITER = re.compile(r"1\s?:\s?\d+|\d\+|[<>]\s?1:\d+")
_WORD_VALUE = re.compile(
    r"(?:non[- ]?reactive|reactive|negative|positive|not detected|detected|none seen|none detected|normal|"
    r"abnormal|trace|"
    r"absent|present|few|many|moderate|rare|clear|cloudy|yellow|amber|indeterminate|equivocal|never smoker|"
    r"former smoker|current every day smoker|no growth|within normal limits|unremarkable)\b",
    re.I,
)
_FLAG = re.compile(
    r"[(\[]?\s*\b(HH|LL|H|L|AA|A|N|High|Low|Abnormal|Critical(?: High| Low)?|Critically (?:high|low)|Normal|"
    r"Very High|Very Low|Above range|Below range|Out of range|Borderline(?: high)?|Elevated|Panic)\b\s*[)\]]?\*?|"
    r"(\*{1,2})|([↑↓])",
    re.I,
)
_BOUND = r"\d[\d,]*(?:\.\d+)?|\.\d+"
_RANGE = re.compile(
    rf"(?P<low>{_BOUND})\s*(?:[-–—−~]|to|through)\s*(?P<high>{_BOUND})"
    rf"|(?:<\s*or\s*=|<=|≤|<|up to|less than|under|below|max\.?)\s*(?P<below>{_BOUND})"
    rf"|(?:>\s*or\s*=|>=|≥|>|greater than|over|above|at least|min\.?)\s*(?P<above>{_BOUND})"
    rf"|(?P<plus>{_BOUND})\s*(?:\+|or (?:more|above|higher))",
    re.I,
)
_RANGE_LABEL = re.compile(
    r"\(?\[?\s*(?:reference|ref\.?|normal|expected|desirable|target)\s*(?:range|interval|values?|limits)?\.?\s*:?\s*",
    re.I,
)
_UNIT_SHAPE = re.compile(
    r"(?:x\s?10\s?[*^]?\s?[eE]?\d{1,2}\s?/\s?[µμu]?[Ll1]|10\s?[xX]\s?\d{1,2}\s?(?:cells)?\s?/\s?[µμu]?[Ll]\b|10\s?[*^eE]\s?\d{1,2}\s?/\s?[µμu]?[Ll1]|"
    r"(?:[kKmMuUgGnNpPµμcI{\[]|thou|mil|cells|beats|breaths|copies|"
    r"Eq)[\w\[\]{}µμ.*]{0,8}\s?/\s?[\w\[\](){}µμ.*²^]{1,12}"
    r"(?:\s?/\s?[{(]?1\.73(?:[\s_]?m\s?[²2*^]{0,3})?[})]?)?|/\s?(?:min|hpf|lpf|[uµμ]l)\b|\{[^}\s]{1,20}\}|"
    r"\[[A-Za-z_]{1,12}\])"
)


def unit_key(unit: str) -> str:
    """A printed unit without case, blanks and the letters OCR confuses."""
    key = unit.lower().replace("µ", "u").replace("μ", "u").replace("^", "*").replace("\u00b2", "2")
    key = re.sub(r"\s+", "", key)
    return re.sub(r"(?<=/)d[i1|]$", "dl", re.sub(r"(?<=/)[1|i]$", "l", re.sub(r"mo[1i|]\b", "mol", key)))


@functools.cache
def _units() -> dict[str, str]:
    return {
        unit_key(left): right.strip() for left, _, right in (row.partition(" = ") for row in read_lines("units.txt"))
    }


@functools.cache
def _spoken_units() -> re.Pattern[str]:
    """Units that may follow a value as one to three words, longest first."""
    extra = ["mm Hg", "beats per minute", "breaths per minute", "deg F", "deg C", "° F", "° C", "mL/min/1.73 m2"]
    printed = [row.partition(" = ")[0] for row in read_lines("units.txt")] + extra
    words = [re.escape(unit) for unit in sorted(printed, key=len, reverse=True)]
    return re.compile(rf"(?:{'|'.join(words)})(?![\w/])", re.I)


def ucum(unit: str) -> str | None:
    """The UCUM code of a printed unit, e.g. "x10E3/uL" is "10*3/uL"; None if it is not surely known."""
    return _units().get(unit_key(unit))


class Found(NamedTuple):
    """A piece of grammar found at ``text[start:end]``."""

    start: int
    end: int
    text: str


def _clear_number(text: str) -> str:
    """Letters that OCR reads for digits turned back, where the word already holds a digit and little else."""
    text = re.sub(r"(?<=\d)[°·](?=\d)", ".", text)
    if re.fullmatch(r"[\dOolI|.,<>=]+", text) and re.search(r"\d", text):
        return text.translate(_LETTERS_FOR_DIGITS)
    return text


def read_value(text: str, *, words: bool = True) -> Found | None:
    """The value that ``text`` starts with: a number, a comparison, a ratio such as 128/82, a titer, or
    (with ``words``) a word such as "Negative"."""
    ratio = _RATIO.match(text)
    if ratio and not re.match(r"[/\d.]", text[ratio.end() :]):
        return Found(0, ratio.end(), re.sub(r"\s", "", ratio.group()))
    titer = _TITER.match(text)
    if titer:
        return Found(0, titer.end(), titer.group())
    first = text.split(" ", 1)[0]
    clear = _clear_number(first.rstrip(",;")) if first else ""
    match = _VALUE.match(clear + text[len(clear) :])
    if match and not re.match(r"[A-Za-z]{3}|/\d|-[\dA-Z]|:\d|\.\d", text[match.end() :]):
        number = match.group(1).replace(" ", "")
        return Found(0, match.end(), re.sub(r"^(\d+),(\d{1,2})$", r"\1.\2", number))
    if words and (match := _WORD_VALUE.match(text)):
        return Found(0, match.end(), match.group())
    return None


#: "10^3/uL" as OCR reads it: any sign or digit for the raised "^".
_BROKEN_POWER = re.compile(r"[xX]?\s?10[^\dE*eE^/\s]([369])/[uµμp][Ll1I]\b|10[49]([36])/[uµμp][Ll1I]\b")


_BROKEN_MERCURY = re.compile(r"mm\s?[|\[{(f]{1,2}\s?Hg\s?[\])}|]{0,2}")


def read_unit(text: str) -> Found | None:
    """The unit that ``text`` starts with (after blanks): a known one or one of a unit's shape."""
    lead = len(text) - len(text.lstrip())
    body = text[lead:]
    power = _BROKEN_POWER.match(body)
    if power:
        return Found(lead, lead + power.end(), f"10^{power.group(1) or power.group(2)}/uL")
    mercury = _BROKEN_MERCURY.match(body)
    if mercury:
        return Found(lead, lead + mercury.end(), "mm[Hg]")
    if body[:2] in {"£L", "£l"}:
        return Found(lead, lead + 2, "fL")
    shape = _UNIT_SHAPE.match(body)
    spoken = _spoken_units().match(body)
    best = max((m for m in (shape, spoken) if m), key=lambda m: m.end(), default=None)
    if best is None:
        word = body.split(" ", 1)[0].rstrip(",;")
        if word and not word[0].isdigit() and unit_key(word) in _units():
            return Found(lead, lead + len(word), word)
        return None
    unit = best.group().rstrip(".")
    return Found(lead, lead + len(unit), unit)


def read_flag(text: str) -> str | None:
    """The abnormal flag a cell holds, as printed without its brackets; None if it is no flag."""
    match = _FLAG.fullmatch(text.strip())
    return next((group for group in match.groups() if group), None) if match else None


def find_flag(text: str) -> Found | None:
    """A flag among what follows a value: H, L, "(High)", "*"."""
    for match in re.finditer(r"\S+(?: (?:high|low|range)\b\S*)?", text, re.I):
        flag = read_flag(match.group().rstrip(",;."))
        if flag and (flag.isupper() or flag[0].isupper() or flag in "*↑↓" or match.group()[0] in "(["):
            return Found(match.start(), match.end(), flag)
    return None


class Range(NamedTuple):
    """A reference range; an open side is None."""

    start: int
    end: int
    low: float | None
    high: float | None


def _number(text: str | None) -> float | None:
    return float(text.replace(",", "")) if text else None


def read_range(text: str) -> Range | None:
    """The first reference range in ``text``: "3.5-5.0", "<200", ">= 60", "4.0 to 5.6", "up to 10"."""
    clear = re.sub(r"\S+", lambda word: _clear_number(word.group()), text)
    clear = clear if len(clear) == len(text) else text
    match = _RANGE.search(clear)
    if match is None:
        return None
    groups = match.groupdict()
    low, high = _number(groups["low"] or groups["above"] or groups["plus"]), _number(groups["high"] or groups["below"])
    return Range(match.start(), match.end(), low, high)


class Tail(NamedTuple):
    """What stands after a value on a line."""

    unit: str | None
    range: Range | None
    flag: str | None
    end: int
    clean: bool


def read_tail(text: str) -> Tail:
    """Unit, range and flag in any order at the start of ``text``; ``clean`` if one of them or the end follows."""
    unit: str | None = None
    found_range: Range | None = None
    flag: str | None = None
    position = 0
    while True:
        rest = text[position:]
        lead = len(rest) - len(rest.lstrip(" ,;|()[]–—-"))
        body = rest[lead:] if rest[:lead].strip(" ([") not in {"-", "–"} or not rest[lead:][:1].isdigit() else ""
        if flag is None and (f := _leading_flag(rest.lstrip(" ,;|"))):
            flag, position = f.text, position + (len(rest) - len(rest.lstrip(" ,;|"))) + f.end
        elif unit is None and (u := read_unit(rest)):
            unit, position = u.text, position + u.end
        elif found_range is None and (r := _leading_range(body)):
            found_range, position = r, position + lead + r.end
            close = re.match(r"\s*(?:[a-zA-Z%][\w/%*\[\]]*\s*)?[)\]]", text[position:])
            position += close.end() if close else 0
        else:
            break
    ended = not text[position:].strip(" .,;)]") or text[position:].lstrip(" ")[:1] in {
        ",",
        ";",
        ".",
        "\n",
        "(",
        "[",
        "-",
        "–",
        "—",
    }
    return Tail(unit, found_range, flag, position, ended or any((unit, found_range, flag)))


def _leading_flag(text: str) -> Found | None:
    match = re.match(r"\S+", text)
    if not match:
        return None
    word = match.group().rstrip(",;.")
    flag = read_flag(word)
    return Found(0, len(word), flag) if flag and (flag[0].isupper() or flag[0] in "*↑↓") else None


def _leading_range(text: str) -> Range | None:
    label = _RANGE_LABEL.match(text)
    start = label.end() if label else 0
    found = read_range(text[start:])
    if found is None or found.start > 1:
        return None
    return Range(start + found.start, start + found.end, found.low, found.high)
