"""Expressions of time and quantity in running text, as marks that the sequence models look at; points in time."""

from __future__ import annotations

import re

_COUNT = (
    r"(?:\d+(?:[.,]\d+)?|(?:half an?|(?:one|two|three|four|five)[-\s]and[-\s]a[-\s]half|couple of|an?|one|two|three|"
    r"four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|several|few|some|many)(?![a-z]))"
)
_SPAN = rf"{_COUNT}(?:\s?(?:-|–|to|or|and)\s?{_COUNT})?[\s-]?"
_PERIOD = r"(?:hours?|hrs?|h|days?|d|weeks?|wks?|months?|mo|years?|yrs?|y|minutes?|mins?|seconds?|decades?)\b"
_TURN = (
    r"(?:later|earlier|ago|before|after|prior|previously|postoperatively|thereafter|following|post|since|into|"
    r"postpartum|preceding)\b"
)
#: With a capital letter only: "may" and "oct" are no months, and neither is "OCT".
_MONTH = r"(?-i:January|February|March|April|May|June|July|August|September|October|November|December)\b"
_SHORT_MONTH = r"(?-i:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?"
_YEAR = r"(?:19[5-9]|20[0-3])\d\b"
_ORDINAL = (
    r"(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    r"fourteenth)"
)
_STAY = r"(?:hospital(?:ization)?|post-?\s?operative|post-?natal|illness|admission|treatment|gestational)"
_EVENT = (
    r"(?:admission|discharge|presentation|surgery|operation|transplant(?:ation)?|birth|delivery|diagnosis|onset|"
    r"follow-?up|arrival|referral|treatment|visit|examination|evaluation)\b"
)
#: Bounded, and never from within a run of digits: a page of nothing else would take minutes.
_DIGITS = r"\d{1,20}(?:[.,]\d{1,20}){0,9}"
_NUMBER = rf"(?:[<>≤≥~]\s?)?(?<!\d){_DIGITS}(?:\s?(?:-|–|to|/|±)\s?{_DIGITS})?(?:\s?[×x*]\s?10\s?\^?\d{{1,20}})?"
_MASS = (
    r"(?:mg|mcg|µg|μg|ug|ng|g|gm|gr|kg|ml|mL|l|L|cc|units?|u|U|iu|IU|meq|mEq|mmol|mol|Gy|cGy|mCi|kcal|drops?|"
    r"tablets?|puffs?)"
)
_LENGTH = r"(?:mm|cm|m|inch(?:es)?|μm|µm|nm|French|Fr|G|gauge)"
#: Short name of a mark to what it marks; the first that matches a token counts.
EXPRESSIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "T>",
        re.compile(
            rf"\b(?:(?:about|approximately|around|within|only|just|over|after|by|at)\s)?"
            rf"(?:{_SPAN}{_PERIOD}\s(?:(?:of|from|the|her|his|this|initial|first)\s)*{_TURN}|{_COUNT}\s{_PERIOD}\s(?:prior|"
            rf"previous)\sto|(?:(?<=\bafter\s)|(?<=\bat\s)|(?<=\bwithin\s)){_SPAN}{_PERIOD}(?!\sof)|(?:the\s|this\s)?"
            rf"(?:next|following|previous|same|past|preceding)\s(?:day|week|month|year|decade|morning|night|evening)\b)",
            re.I,
        ),
    ),
    (
        "TD",
        re.compile(
            rf"\b(?:(?:early|late|mid|beginning\sof|end\sof)[\s-])?(?:{_MONTH}|{_SHORT_MONTH})\s?"
            rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\b,?\s?)?(?:of\s)?{_YEAR}|"
            rf"\b{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?![.,/]?\d)|"
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?(?:{_MONTH}|{_SHORT_MONTH})(?:,?\s?{_YEAR})?|"
            rf"(?:(?<=\b(?:in|of|by|to)\s)|(?<=\bsince\s)|(?<=\buntil\s)|(?<=\b(?:late|last|from|this)[\s-])){_MONTH}|"
            rf"\b(?:{_YEAR}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]{_YEAR}|"
            rf"(?:0?[1-9]|1[0-2])/(?:[12]\d|3[01]|0?[1-9])/\d\d)\b(?![/.-]\d)|"
            rf"(?<![\d.,/-]){_YEAR}(?![-.,/–]\d)(?!\s?(?:[mμµn]?[cmkl]?g\b|i?u\b|ml|units?|cells|copies|k?cal))",
            re.I,
        ),
    ),
    (
        "TA",
        re.compile(
            rf"\b(?:(?:at|since|by|from|until)\s)?(?:the\s|an\s)?age\s(?:of\s)?(?:about\s|approximately\s)?"
            rf"(?:\d+|[a-z]+teen|{_COUNT})\b(?:[\s-]{_PERIOD})?|\bat\s{_SPAN}{_PERIOD}\sof\sage",
            re.I,
        ),
    ),
    (
        "TH",
        re.compile(
            rf"\b(?:{_STAY}\s(?:days?|weeks?|months?)|days?|weeks?|months?|POD|HD|(?-i:d)(?=\s\d))\s?[#+]?"
            rf"(?:\d+|(?:one|two|three|four|five|six|seven|eight|nine|ten)\b)(?:\s?(?:to|-|–)\s?\d+)?(?!\w|\.\d)|"
            rf"\b(?:the\s)?{_ORDINAL}\s(?:{_STAY}\s)?(?:day|week|month|year|POD)\b|"
            rf"\bafter\s(?:the\s)?(?:{_COUNT}\scycles|{_ORDINAL}\scycle)\b",
            re.I,
        ),
    ),
    (
        "TE",
        re.compile(
            rf"\b(?:on|at|upon|before|after|since|until|prior to|during|following)\s(?:the\s|her\s|his\s|initial\s|"
            rf"hospital\s)*{_EVENT}",
            re.I,
        ),
    ),
    (
        "TR",
        re.compile(
            rf"\b(?:for|over|during|within|in)\s(?:the\s)?(?:past|last|next|previous|following|preceding)?\s?{_SPAN}"
            rf"{_PERIOD}|\b{_SPAN}{_PERIOD}(?:[\s-](?:history|course|period|duration|old))?",
            re.I,
        ),
    ),
    (
        "QF",
        re.compile(
            r"\b(?:(?:once|twice|thrice|one time|two times|three times|four times|\d\s?(?:x|times))\s?"
            r"(?:a|per|each|/)?\s?"
            r"(?:day|daily|week(?:ly)?|month(?:ly)?|year)|daily|weekly|monthly|nightly|every\s(?:\w+\s)?(?:hours?|days?|"
            r"weeks?|months?)|every other day|b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|q\s?\d+\s?h|qd|per day|per week)\b",
            re.I,
        ),
    ),
    (
        "QD",
        re.compile(
            rf"{_NUMBER}\s?{_MASS}(?:\s?/\s?(?:kg|m2|m²|day|d|h|hr|hour|min|week|dose))+(?:\s?/\s?(?:day|d|h|min))?(?!\w)"
        ),
    ),
    (
        "QC",
        re.compile(
            rf"{_NUMBER}\s?(?:[A-Za-zµμ%]{{1,6}}\s?)?/\s?(?:[dmuµμnf]?[lL]\b|mm3|mm³|min(?:ute)?|hpf|HPF|h\b|hr\b|high)"
        ),
    ),
    (
        "QP",
        re.compile(
            rf"{_NUMBER}\s?(?:%|percent\b|mm\s?Hg|mmHg|°\s?[CF]|bpm|beats|ms(?:ec)?\b|kPa|kg/m2|cmH2O|HU\b|Hz\b)"
        ),
    ),
    (
        "QL",
        re.compile(rf"{_NUMBER}\s?-?{_LENGTH}\b(?:\s?[×x]\s?{_NUMBER}\s?(?:{_LENGTH})?)*|{_NUMBER}\s?[×x]\s?{_NUMBER}"),
    ),
    ("QM", re.compile(rf"{_NUMBER}\s?-?{_MASS}\b(?!/)")),
    ("QN", re.compile(rf"{_NUMBER}")),
)


#: Expressions that name a point in time; the others name spans, or tell when by an event.
_POINTS = ("T>", "TD", "TA", "TH")
_DAYS = r"(?:days?|d|weeks?|wks?|months?|mo|years?|yrs?)\b"
#: Points in time that no mark of the models stands for.
_MORE_POINTS = re.compile(
    rf"\b(?:(?:{_SPAN}|\d?[½¼¾]\s?|[a-z]+teen\s){_DAYS}\s(?:later|earlier|ago|beforehand|back|before|after(?:wards?)?|"
    rf"prior|post\w*|preceding|from)\b|"
    rf"(?:(?:the|until|during|on)\s)*(?:day|week|month|year|night|morning)\s(?:prior\sto|before|preceding|after|"
    rf"following)\s\w+|(?:weeks|months|years)\s(?:ago|before|earlier|later)\b|"
    rf"(?:the\s)?(?:day|night|morning)\sof\s(?:(?:the|her|his|this|initial)\s)*{_EVENT}|"
    rf"(?:at\s(?:the\s|her\s|his\s|a\s)?)?(?:{_SPAN}\s?{_DAYS}\s(?:and|or)\s)?{_SPAN}\s?{_DAYS}[\s-]*"
    rf"(?:post-?\s?operative\s)?follow-?\s?up\b|"
    rf"at\s(?:about\s|approximately\s|around\s)?{_SPAN}{_DAYS}(?:\sof\sage)?(?!\sof|[\s-]old)|"
    rf"after\s{_SPAN}{_PERIOD}\sof\sage|(?:with)?in\s{_SPAN}{_DAYS}|(?:between|and|or)\s{_MONTH}|"
    rf"when\s(?:the\s|his\s|her\s)?\w+\s(?:is|was|turned|reached)\s(?:about\s|approximately\s)?{_SPAN}{_DAYS}[\s-]old|"
    rf"at\s(?:the\s)?time\sof\s(?:this\s|the\s)?(?:writing|report|publication)\b|"
    rf"at\s\d\d(?=,\s(?:he|she|the\spatient)\b|\swhen\b)|"
    rf"(?<=\s)\d+\s?\+\s?\d\s(?:gestational\s)?weeks)",
    re.I,
)
#: "for the past year" lasts, "2 hours later" and "on days 1 to 5" are no dates to the annotators of case reports.
_LASTS = re.compile(
    r"\b(?:for|over|during|up to|every|more than|less than|throughout)\s+"
    r"(?:(?:the|a|an|about|approximately|almost|nearly|another|at least|only|his|her|further|additional)\s+)*$",
    re.I,
)
_INTERVAL = re.compile(r"[\s-]+intervals?\b", re.I)
_FROM_TO = re.compile(r"\D{0,5}\d+\s?(?:to|-|–)\s?\d+")
_AGO = re.compile(r"\b(?:ago|earlier|beforehand)$", re.I)
_BRIEF = re.compile(r"\b(?:hours?|hrs?|h|minutes?|mins?|seconds)\b", re.I)
_SEVERAL = re.compile(r"(?:days|weeks|months)\s|\w+\s?\d+\s?(?:to|-|–)\s?\d|after\s.*cycle$", re.I)
#: "over the previous week".
_WHILE = re.compile(r"over\sthe\b", re.I)
#: A year beside a short form is part of a name, as it is before a rule's: "NRS 2002", "the 2006 Sapporo criteria".
_NAMED = re.compile(r"[A-Z]{2}\s$")
_RULE = re.compile(r"\s(?:[A-Z]\w{1,20}\s){0,3}(?:criteria|guidelines?|classification|consensus|recommendations?)\b")


def points_in_time(text: str) -> list[tuple[int, int]]:
    """Where a text names points in time, to the day or more vaguely: "in May 2010", "two weeks later", "on day 5"."""
    found: list[tuple[int, int]] = []
    known = [(name, pattern) for name, pattern in EXPRESSIONS if name in _POINTS]
    for name, pattern in (*known, ("T+", _MORE_POINTS)):
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= a or b <= start for a, b in found) and _is_a_point(name, text, start, end):
                found.append((start, end))
    return sorted(found)


def names_no_point(text: str, start: int, end: int) -> bool:
    """Whether words told of time are too brief for a date, an interval, a span from one to another, or last."""
    told = text[start:end]
    return bool(
        _BRIEF.search(told) or "interval" in told or _INTERVAL.match(text, end) or _FROM_TO.fullmatch(told)
    ) or _lasts(text, start, end)


def _lasts(text: str, start: int, end: int) -> bool:
    """Whether words told of time name a span of it, mostly by the words before them: "for the first day"."""
    told, before = text[start:end], text[max(0, start - 40) : start]
    return not _AGO.search(told) and bool(_WHILE.match(told) or _LASTS.search(before))


def _is_a_point(name: str, text: str, start: int, end: int) -> bool:
    """Whether an expression names a point in time, by its own words and those around it."""
    if names_no_point(text, start, end):
        return False
    if name == "TH":
        return not _SEVERAL.match(text, start, end)
    if name == "TD":
        return not _NAMED.search(text, max(0, start - 40), start) and not _RULE.match(text, end)
    return True


_FIGURE = "0"
_PERIODS = frozenset(
    "hour hours hr hrs h day days d week weeks wk wks month months mo year years yr yrs y minute minutes min mins "
    "second seconds decade decades".split()
)
#: One of these words must stand in a sentence for an expression to be looked for; the figure 0 is for any digit.
_NEEDED: dict[str, frozenset[str]] = {
    "T>": _PERIODS | {"morning", "night", "evening"},
    "TD": frozenset("0 january february march april may june july august september october november december".split()),
    "TA": frozenset({"age"}),
    "TH": frozenset("day days week weeks month months year pod hd d cycles cycle".split()),
    "TE": frozenset(
        "admission discharge presentation surgery operation transplant transplantation birth delivery diagnosis onset "
        "follow followup arrival referral treatment visit examination evaluation".split()
    ),
    "TR": _PERIODS,
    "QF": frozenset(
        "day daily week weekly month monthly year nightly every b bid t tid q qid qd per".split()
    ),
    **dict.fromkeys(("QD", "QC", "QP", "QL", "QM", "QN"), frozenset({_FIGURE})),
}  # fmt: skip


def expression_marks(text: str, spans: list[tuple[int, int]]) -> list[str]:
    """The mark of each token of a sentence, "" for most: the expression's name and B at its start, I within.

    Args:
        text: the sentence.
        spans: start and end of each token in it.
    """
    marks = [""] * len(spans)
    starts = {start: index for index, (start, _) in enumerate(spans)}
    words = {_FIGURE if text[start].isdigit() else text[start:end].lower() for start, end in spans}
    for name, pattern in EXPRESSIONS:
        if words.isdisjoint(_NEEDED[name]):
            continue
        for match in pattern.finditer(text):
            index = starts.get(match.start())
            if index is None:
                continue
            first = True
            while index < len(spans) and spans[index][1] <= match.end():
                if marks[index]:
                    first = True
                else:
                    marks[index] = name + ("B" if first else "I")
                    first = False
                index += 1
    return marks
