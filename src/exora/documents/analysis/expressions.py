"""Expressions of time and quantity in running text, as marks that the sequence models look at."""

from __future__ import annotations

import re

_COUNT = (
    r"(?:\d+(?:[.,]\d+)?|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|several|"
    r"few|some|couple of|half an?|many)"
)
_SPAN = rf"{_COUNT}(?:\s?(?:-|–|to|or|and)\s?{_COUNT})?[\s-]?"
_PERIOD = r"(?:hours?|hrs?|h|days?|d|weeks?|wks?|months?|mo|years?|yrs?|y|minutes?|mins?|seconds?|decades?)\b"
_TURN = (
    r"(?:later|earlier|ago|before|after|prior|previously|postoperatively|thereafter|following|post|since|into|"
    r"postpartum|preceding)\b"
)
_MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|"
    r"jul|aug|sept?|oct|nov|dec)\b\.?"
)
_EVENT = (
    r"(?:admission|discharge|presentation|surgery|operation|transplant(?:ation)?|birth|delivery|diagnosis|onset|"
    r"follow-?up|arrival|referral|treatment|visit|examination|evaluation)\b"
)
_NUMBER = r"(?:[<>≤≥~]\s?)?\d+(?:[.,]\d+)*(?:\s?(?:-|–|to|/|±)\s?\d+(?:[.,]\d+)*)?(?:\s?[×x*]\s?10\s?\^?\d+)?"
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
            rf"previous)\sto|the\s(?:next|following|previous|same|first|second|third)\s(?:day|week|month|year|morning|"
            rf"night|evening)\b)",
            re.I,
        ),
    ),
    (
        "TD",
        re.compile(
            rf"\b(?:(?:early|late|mid)[\s-])?{_MONTH}\s?(?:\d{{1,2}}(?:st|nd|rd|th)?\b,?\s?)?(?:of\s)?(?:(?:19|20)\d\d\b)?|"
            rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s{_MONTH}\s?(?:19|20)?\d*|\b\d{{1,4}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}\b|"
            rf"(?<![\d.,])(?:19[5-9]|20[0-3])\d\b(?![\d.,/]\d)",
            re.I,
        ),
    ),
    (
        "TH",
        re.compile(
            r"\b(?:(?:hospital|post-?\s?operative|postoperative|post-?natal|illness|admission|treatment|gestational)\s"
            r"(?:day|week|month)|day|week|month|d|POD|HD)\s?#?(?:\d+|one|two|three|four|five|six|seven)\b(?:\s?(?:to|-|–)"
            r"\s?\d+)?|\b(?:the\s)?(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|tenth)\s"
            r"(?:(?:post-?\s?operative|hospital|postnatal)\s)?(?:day|week|month|year)\b",
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


def expression_marks(text: str, spans: list[tuple[int, int]]) -> list[str]:
    """The mark of each token of a sentence, "" for most: the expression's name and B at its start, I within.

    Args:
        text: the sentence.
        spans: start and end of each token in it.
    """
    marks = [""] * len(spans)
    starts = {start: index for index, (start, _) in enumerate(spans)}
    for name, pattern in EXPRESSIONS:
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
