"""Cuts lists that run on within a paragraph: "Penicillin, latex and eggs", "She takes A 5 mg; B and C."."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Sequence

from exora.documents.analysis.doses import FORM
from exora.documents.analysis.draft import looks_like_sentence
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.inference import is_listed

#: Marks that part a list, the surer first; bars and bullets only where blanks stand about them.
_MARKS = (";", " • ", " · ", ",")
#: A name on a list has at most so many words.
_MOST_WORDS = 18
_MOST_LETTERS = 200
_AND = re.compile(r"\s(?:and|&)\s")
#: What goes on with the name before a comma: "Influenza, seasonal", "Chronic kidney disease, stage 3".
_GOES_ON = re.compile(r"\s*(?:[a-z0-9(]|[A-Z]+\d?\)|(?:Adult|Pediatric|Oral|NOS)\b)")
_LEAD_AND = re.compile(r"\s*(?:and|or|&)\s+")

#: What is said of an entry behind it: "Latex (itching of the hands)".
_BEHIND = re.compile(r"\s\([^()]*\)[\s.]*$")

Span = tuple[int, int]


def cut_at(text: str, mark: str) -> list[Span]:
    """Spans between marks that stand outside brackets."""
    spans, depth, start = [], 0, 0
    for found in _brackets_and(mark).finditer(text):
        if found.group() in "([":
            depth += 1
        elif found.group() in ")]":
            depth -= 1
        elif depth <= 0:
            spans.append((start, found.start()))
            start = found.end()
    spans.append((start, len(text)))
    return spans


@functools.cache
def _brackets_and(mark: str) -> re.Pattern[str]:
    return re.compile(rf"[()\[\]]|{re.escape(mark)}")


def list_spans(text: str) -> list[Span]:
    """The entries of a list on one line or in one paragraph; one span where it is no list.

    Semicolons and bullets always part entries; commas only where what follows starts like a name.
    """
    text = text.rstrip()
    end = len(text) - 1 if text.endswith(".") else len(text)
    for mark in _MARKS:
        spans = cut_at(text[:end], mark)
        if len(spans) > 1:
            if mark == ",":
                spans = _joined(text, spans)
            break
    else:
        spans = cut_at(text[:end], " / ")
        pieces = [text[slice(*span)] for span in spans]
        if len(spans) < 3 or FORM.search(pieces[-1]) or not are_names(pieces):
            spans = [(0, end)]
    *most, last = spans
    return [span for span in [*most, *_at_and(text, last, alone=not most)] if text[slice(*span)].strip(" .,;")]


def _joined(text: str, spans: Sequence[Span]) -> list[Span]:
    """Spans between commas, those put together that are one name."""
    small = text[slice(*spans[0])].strip()[:1].islower()
    joined = [spans[0]]
    for start, end in spans[1:]:
        piece = _LEAD_AND.sub("", text[start:end])
        if _GOES_ON.match(piece) and not small and not is_listed(piece):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _at_and(text: str, span: Span, *, alone: bool) -> list[Span]:
    """The last span of a list cut at "and" where names stand on both sides of it."""
    start, end = span
    lead = _LEAD_AND.match(text, start, end)
    if lead and not alone:
        return [(lead.end(), end)]
    piece = text[start:end]
    if is_listed(piece):
        return [span]
    for cut in reversed(list(_AND.finditer(piece))):
        left, right = piece[: cut.start()], piece[cut.end() :]
        if max(len(left), len(right)) > _MOST_LETTERS:
            continue
        if right[:1].isupper() or (is_listed(left) and is_listed(right)):
            return [(start, start + cut.start()), (start + cut.end(), end)]
    return [span]


def parts(run: Run, spans: Sequence[Span], offset: int = 0) -> list[Run]:
    """The words of each span."""
    found = []
    for start, end in spans:
        text = run.text[offset + start : offset + end]
        begin = offset + start + len(text) - len(text.lstrip(" ,;•·"))
        if text.strip(" ,;•·") and (part := run.part(begin, offset + end)):
            found.append(part)
    return found


def are_names(pieces: Sequence[str]) -> bool:
    """Whether pieces can be names on a list: short, no sentences, each starting like a name or known as one; whatever
    stands in brackets behind them."""
    return all(
        piece.strip()
        and len(piece.split()) <= _MOST_WORDS
        and not looks_like_sentence(piece)
        and (piece.strip()[0].isupper() or piece.strip()[0].isdigit() or is_listed(piece.strip(" .")))
        for piece in map(_bare, pieces)
    )


def _bare(piece: str) -> str:
    return _BEHIND.sub("", piece)


def running_list(rows: Sequence[Row], is_full: Callable[[Row, Row, float], bool]) -> list[Run]:
    """The entries of rows that are one paragraph and list names; none where rows are entries of their own."""
    if not rows or any(len(row.segments) > 1 for row in rows):
        return []
    widest = max(row.x1 for row in rows)
    if not all(is_full(above, row, widest) for above, row in itertools.pairwise(rows)):
        return []
    run = Run(token for row in rows for token in row.run.tokens)
    spans = list_spans(run.text)
    pieces = [run.text[slice(*span)] for span in spans]
    if len(spans) < max(2, len(rows)) or (";" not in run.text and not are_names(pieces)):
        return []
    if len(spans) == 2 and ";" not in run.text and not all(_BEHIND.search(p) or _is_known(p) for p in pieces):
        return []
    return parts(run, spans)


def _is_known(piece: str) -> bool:
    return is_listed(_bare(piece).strip(" .")) or re.search(r"\d\s?(?:m[cg]?g|g|ml|units?)\b", piece, re.I) is not None


_HE = r"(?:(?:he|she|they|the patient|patient|this (?:patient|gentleman|lady|woman|man)|(?:mr|mrs|ms)\.? \w+)\s+)?"
#: What a sentence says before it lists, by the list of the record.
_SAYS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(rf"^\W*(?:{_HE}(?:{says}))\s*:?\s+", re.I))
    for kind, says in (
        (
            "conditions",
            r"(?:is|was) known (?:to have|with)|(?:suffers|suffered) from|(?:has|had) (?:been diagnosed with|"
            r"a history of|a background of|known|the following (?:problems|conditions|diagnoses))|"
            r"(?:his|her|their|the|past|previous) (?:past |known |previous )?(?:medical )?"
            r"(?:history|background|problems|conditions|diagnoses|comorbidities) "
            r"(?:includes?|are|is|of note is|is notable for|comprises?|consists? of)|lives with|is being followed for",
        ),
        (
            "medications",
            r"(?:currently |regularly |presently )?(?:takes|is taking|uses)|is (?:currently |presently )?"
            r"(?:on|maintained on|treated with|prescribed)|has been (?:prescribed|started on)|(?:was|were) "
            r"(?:discharged|sent home|started) on|(?:his |her |their |the )?(?:current |regular |present |usual )?"
            r"(?:treatment|medications?|medicines|therapy|drugs|regimen) "
            r"(?:consists? of|includes?|comprises?|is|are|at discharge (?:is|are|was|were))",
        ),
        (
            "allergies",
            r"(?:is|was) (?:known to be )?(?:allergic|sensitive) to|(?:has|had) (?:known )?(?:an )?allerg(?:y|ies) to|"
            r"reacts to|is intolerant (?:of|to)|(?:known |drug |his |her )*allergies (?:include|are|to)",
        ),
        (
            "procedures",
            r"(?:has |had |have )?(?:previously |also |since )?(?:undergone|underwent)|"
            r"(?:has|had) previously had|(?:previous |past |his |her |the )*(?:procedures|operations|surgery|surgeries|"
            r"interventions|surgical history) (?:includes?|included|are|were|comprises?|consists? of)",
        ),
        (
            "immunizations",
            r"(?:has|had|have) (?:been )?(?:vaccinated|immuni[sz]ed) (?:with|against|for)|(?:was|were) (?:vaccinated|"
            r"immuni[sz]ed) (?:with|against)|(?:has |had )?received (?:the following )?(?:vaccin\w+|immuni[sz]ations)|"
            r"(?:vaccin\w+|immuni[sz]ations) (?:given )?(?:include|included|are|were)",
        ),
    )
)


def announced(text: str) -> tuple[str, int] | None:
    """The list that a sentence announces, and where its first entry starts: "She is allergic to latex and eggs."."""
    for kind, says in _SAYS:
        if match := says.match(text):
            return kind, match.end()
    return None
