"""Cuts a document into sections, and each section into tables and loose rows."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from exora.documents.analysis.barred import read_barred
from exora.documents.analysis.columns import LIST_OF_ROLE, Column, read_header, role_of
from exora.documents.analysis.dates import find_dates
from exora.documents.analysis.draft import looks_like_sentence
from exora.documents.analysis.geometry import Row
from exora.documents.analysis.headings import Heading, heading_kind, read_heading
from exora.documents.analysis.inference import header_at, is_figure, is_listed
from exora.documents.analysis.labels import Labels
from exora.documents.analysis.lists import is_group_label
from exora.documents.analysis.records import detail_of
from exora.documents.analysis.running import are_names, list_spans
from exora.documents.analysis.tables import Table, body_of, build_records, list_of, side_by_side, typical_pitch
from exora.documents.analysis.tiles import read_tiles
from exora.documents.analysis.transposed import read_transposed
from exora.documents.analysis.typography import body_type, is_title
from exora.documents.analysis.wording import kind_of_title


@dataclass
class Section:
    """A heading's kind and title, with the tables and the loose rows under it (in their order)."""

    kind: str
    title: str
    heading: Row | None = None
    rows: list[Row] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def split_sections(rows: Sequence[Row]) -> list[Section]:
    """The document's sections in order; the first, of kind "", is what stands before any heading."""
    sections = [Section("", "")]
    pitch = typical_pitch(rows)
    height = statistics.median([row.height for row in rows]) if rows else 1.0
    body = body_type(rows)
    right = max((row.x1 for row in rows), default=0.0)
    labels = Labels(rows)
    carried: tuple[Table, int] | None = None
    index = 0
    while index < len(rows):
        row = rows[index]
        titled = len(row.segments) == 1 and is_title(row.run, body)
        barred = read_barred(rows, index) if sections[-1].heading is not None else None
        if (found := barred or read_transposed(rows, index) or read_tiles(rows, index)) is not None:
            sections[-1].tables.append(found[0])
            index = found[1]
            continue
        header = None if titled else header_at(rows, index)
        if header is not None:
            columns, first = _whole_header(rows, index + header[1] - 1, header[0])
            end = body_of(rows, first, columns, pitch)
            if _is_run_together(row, rows[first:end]):
                index = first
                continue
            for group, part in side_by_side(columns, rows[first:end]):
                table = Table(list_of(group), group)
                table.records = build_records(part, group, table.list_name or sections[-1].kind)
                sections[-1].tables.append(table)
            carried, index = (table, end), end
            continue
        if carried is not None and carried[1] == index and index and row.page != rows[index - 1].page:
            end = _carry_on(rows, index, carried[0], pitch)
            if end > index:
                more = build_records(rows[index:end], carried[0].columns, carried[0].list_name or sections[-1].kind)
                carried[0].records.extend(more)
                carried, index = (carried[0], end), end
                continue
        if (told := labels.measured(row, sections[-1].kind) or labels.event(row)) is not None:
            _open(row, told, sections)
        elif sections[-1].heading is not None and (
            labels.opens_card(rows, index)
            or labels.is_detail(row)
            or _names_a_record(rows, index)
            or _heads_a_part(row, sections[-1])
        ):
            sections[-1].rows.append(row)
        elif _SOAP.fullmatch(row.text) is not None:
            sections.append(Section("plan" if row.text[0] == "P" else "prose", row.text, row))
        elif index and _closes(row, sections[-1], rows, index):
            sections.append(Section("prose", "", None, [row]))
        elif detail_of(row) and sections[-1].rows and sections[-1].rows[-1] is rows[index - 1]:
            sections[-1].rows.append(row)
        elif _stands_over(rows, index, pitch) or (titled and read_heading(row.text) is None):
            _open(row, Heading("other", 0, row.text), sections)
        elif line := _listed_line(row, labels, sections[-1]):
            _open(row, line, sections)
        else:
            _place(row, sections, height, rows[index - 1] if index else None, pitch, right)
        index += 1
    return [section for section in sections if section.heading or section.rows or section.tables]


def _listed_line(row: Row, labels: Labels, section: Section) -> Heading | None:
    """The heading of a list on one line among such lines, in words that name none by themselves."""
    return None if section.kind == "prose" or read_heading(row.text) is not None else labels.line(row)


def _heads_a_part(row: Row, section: Section) -> bool:
    """Whether a row heads a part of the section's list, "Stopped", and no list of its own, "Current diagnoses"."""
    if len(row.segments) > 1 or not is_group_label(row.text):
        return False
    kind = heading_kind(row.text) or kind_of_title(row.text)
    return kind is None or (kind == section.kind == "medications")


#: The value of a test stands at most so many rows below its name.
_DETAILS = 4


def _names_a_record(rows: Sequence[Row], index: int) -> bool:
    """Whether a row is the name of a test that rows below it tell the value of, its range of reference above it."""
    row = rows[index]
    if len(row.segments) > 1 or (any(map(str.isdigit, row.text)) and ":" in row.text) or detail_of(row) is not None:
        return False
    for below in rows[index + 1 : index + 1 + _DETAILS]:
        detail = detail_of(below)
        if below.page != row.page or (detail is None and not all(is_figure(s.text) for s in below.segments)):
            return False
        if detail is not None and detail[0] == "value":
            return True
    return False


_FIRST_OF_A_LIST = re.compile(r"^(?:[•▪●○■·*–—-]|\(?[1a][.)])\s")
_ANY_OF_A_LIST = re.compile(r"^(?:[•▪●○■·*–—-]|\(?(?:\d{1,2}|[a-z])[.)])\s")


def _stands_over(rows: Sequence[Row], index: int, pitch: float) -> bool:
    """Whether a row in words that no list of headings holds is one by its place: over a table, over the first entry
    of a list, or far from what stands above and nearer to what stands below."""
    row = rows[index]
    below = rows[index + 1] if index + 1 < len(rows) and rows[index + 1].page == row.page else None
    words = [word for word in row.text.split() if len(word) > 3 or word[0].isupper()]
    if below is None or len(row.segments) > 1 or not 1 <= len(words) <= 5 or read_heading(row.text) is not None:
        return False
    if not all(word[0].isupper() or not word[0].isalpha() for word in words) or not row.text[0].isupper():
        return False
    if any(map(str.isdigit, row.text)) or row.text[-1] in ".,;:" or ": " in row.text or is_listed(row.text):
        return False
    if _FIRST_OF_A_LIST.match(below.text):
        return not _ANY_OF_A_LIST.match(row.text)
    if len(below.segments) > 1:
        return header_at(rows, index + 1) is not None
    if index == 0 or rows[index - 1].page != row.page:
        return False
    after, before = below.y - row.y, row.y - rows[index - 1].y
    apart = before < 0 or (before > _FAR * after and before > _FAR * pitch)
    following = rows[index + 2] if index + 2 < len(rows) and rows[index + 2].page == row.page else None
    return apart and following is not None and after > _NEAR * (following.y - below.y) > 0


#: A heading stands this many times as far below what is above it as above what follows, and that this many times as
#: far from it as from its own next line.
_FAR, _NEAR = 1.3, 1.15


def _is_run_together(header: Row, body: Sequence[Row]) -> bool:
    """Whether a table's columns are parted by single blanks, as in plain text: its rows are read as lines then."""
    single = sum(len(row.segments) == 1 for row in body)
    return len(header.segments) == 1 and bool(body) and single >= 0.8 * len(body)


def _place(row: Row, sections: list[Section], height: float, previous: Row | None, pitch: float, right: float) -> None:
    """Adds the row to the last section, or opens the sections whose headings it holds."""
    inline = [(segment, read_heading(segment.text)) for segment in row.segments]
    if len(inline) > 1 and all(heading is not None and heading.rest for _, heading in inline):
        for segment, heading in inline:
            _open(Row(row.page, row.y, row.height, (segment,)), heading, sections)
        return
    heading = read_heading(row.text) if len(row.segments) == 1 or ":" in row.text else None
    if heading is None and len(row.segments) == 2:
        first = read_heading(row.segments[0].text)
        heading = first if first is not None and first.rest == 0 and _is_note(row.segments[1].text) else None
    if heading is not None and (_is_key(row, heading, sections[-1]) or row.text[0].islower()):
        heading = None
    if heading is None and not _goes_on(row, previous, pitch, right):
        heading = _unknown_label(row)
    if heading is None and is_unknown_heading(row, height, previous, pitch):
        heading = Heading("other", 0, row.text)
    if heading is None:
        sections[-1].rows.append(row)
    else:
        _open(row, heading, sections)


def _goes_on(row: Row, previous: Row | None, pitch: float, right: float) -> bool:
    """Whether a row is a further line of a list that runs on: the line above is full, and parts its entries."""
    if previous is None or previous.page != row.page or row.y - previous.y > 1.3 * pitch:
        return False
    return previous.x1 > _FULL * right and ("; " in previous.text or ", " in previous.text)


#: A line that reaches this far to the right edge of the text is full.
_FULL = 0.8


def _unknown_label(row: Row) -> Heading | None:
    """The heading of a list on one line, "Current therapy: aspirin; insulin", in words that no list holds."""
    mark = _LABEL_MARK.search(row.text)
    if mark is None:
        return None
    label, rest = row.text[: mark.start()], row.text[mark.end() :]
    words = label.split()
    if _TELLS.match(label) or (mark.group() != ": " and kind_of_title(label) is None):
        return None
    if not 1 <= len(words) <= 5 or not words[0][0].isupper() or ";" in label:
        return None
    if any(map(str.isdigit, label)) or role_of(label) is not None or is_listed(label):
        return None
    spans = list_spans(rest)
    enough = 1 if kind_of_title(label) is not None and not any(map(str.isdigit, rest)) else 2
    listed = ";" in rest or (len(spans) > enough and are_names([rest[slice(*span)] for span in spans]))
    return Heading("other", mark.end() - 1, label) if listed else None


#: What opens a sentence rather than a label.
_TELLS = re.compile(r"(?:he|she|they|we|i|the patient)\b", re.I)
#: What stands between a label and the list behind it.
_LABEL_MARK = re.compile(r": | [=–—-] ")


#: Letters and words that head the parts of a progress note.
_SOAP = re.compile(r"[SOAP]\s?:|(?:[AO]/[PE]|A\s?&\s?P)\s?:?", re.ASCII)
_SIGN_OFF = re.compile(
    r"(?:yours (?:sincerely|faithfully|truly)|(?:with )?(?:kind(?:est)?|best|warm) (?:regards|wishes)|regards|"
    r"sincerely|many thanks|thank you (?:for|again)|dear \S+|to the general practitioner)\b",
    re.I,
)


def _closes(row: Row, section: Section, rows: Sequence[Row], index: int) -> bool:
    """Whether a row ends the list of a section: a letter's closing words, or a sentence below a list on one line."""
    if _SIGN_OFF.match(row.text):
        return True
    if section.heading is None or not section.rows or section.tables or section.kind in {"prose", "other", ""}:
        return False
    inline = section.rows[0].y == section.heading.y and section.rows[0].page == section.heading.page
    ended = rows[index - 1].text.endswith(".")
    if not inline or not ended or read_heading(row.text) is not None:
        return False
    return row.text[0].isupper() and looks_like_sentence(row.text)


def _is_note(text: str) -> bool:
    return (
        re.fullmatch(
            r"\(?(?:\d+(?: \w+)?|as of .*|[\d/. -]+|continued|(?:date|updated|reviewed|last).*)\)?", text, re.I
        )
        is not None
    )


def _is_key(row: Row, heading: Heading, section: Section) -> bool:
    """Whether "Procedure: X" is one of several keys of an entry rather than a new section's heading."""
    if not heading.rest:
        return False
    if heading.kind in {"patient", "other"}:
        return True
    role = role_of(heading.title)
    rest = row.text[heading.rest :].strip()
    if role == "date" and find_dates(rest) and find_dates(rest)[0].start == 0:
        return True
    if LIST_OF_ROLE.get(role or "") == section.kind and not heading.title.rstrip().endswith("s"):
        return len(list_spans(rest)) == 1
    singular = heading.title.strip(" -•*").lower()
    return section.kind == heading.kind and singular in {
        "medication", "vaccine", "procedure", "diagnosis", "problem", "allergy", "encounter", "visit", "immunization",
        "condition", "vaccination", "prescription", "operation", "measurement", "observation", "test", "investigation",
    }  # fmt: skip


def _open(row: Row, heading: Heading | None, sections: list[Section]) -> None:
    if heading is None:
        sections[-1].rows.append(row)
        return
    section = Section(heading.kind, heading.title, row)
    sections.append(section)
    if heading.rest:
        rest = row.run.part(heading.rest + 1, len(row.text))
        if rest:
            keep = {token.index for token in rest.tokens}
            segments = tuple(
                type(segment)(kept)
                for segment in row.segments
                if (kept := [token for token in segment.tokens if token.index in keep])
            )
            section.rows.append(Row(row.page, row.y, row.height, segments))


def is_unknown_heading(row: Row, height: float, previous: Row | None, pitch: float) -> bool:
    """Whether a row looks like a heading the lexicon lacks: short, alone, and large or ending in a colon."""
    text = row.text
    words = text.split()
    if len(row.segments) != 1 or len(words) > 7 or not text[0].isupper() or any(letter.isdigit() for letter in text):
        return False
    if text.endswith(":"):
        return len(words) <= 5 and (role_of(text[:-1]) is None or (text[-2] == "s" and kind_of_title(text) is not None))
    if text.endswith((".", ",", ";")) or ":" in text:
        return False
    apart = previous is None or previous.page != row.page or row.y - previous.y > 1.3 * pitch
    return row.height > 1.25 * height and apart


def _whole_header(rows: Sequence[Row], index: int, columns: list[Column]) -> tuple[list[Column], int]:
    """The header's columns and the index of the first body row; a header may run over two rows."""
    row = rows[index]
    if index + 1 < len(rows):
        below = rows[index + 1]
        near = below.page == row.page and below.y - row.y < 2.2 * row.height
        extra = read_header(below)
        if near and extra and not any("@" in c.role for c in extra):
            merged = [*columns, *(c for c in extra if not any(_over(c, known) for known in columns))]
            return sorted(merged, key=lambda column: column.x0), index + 2
        words = {token.text.strip("()").lower() for token in below.run.tokens}
        if near and words <= _SECOND_LINE:
            return columns, index + 2
    return columns, index + 1


_SECOND_LINE = frozenset(
    [
        "range",
        "interval",
        "given",
        "administered",
        "date",
        "name",
        "number",
        "onset",
        "status",
        "value",
        "units",
        "unit",
        "code",
        "no",
        "#",
        "limits",
        "of",
        "reference",
        "performed",
        "collected",
        "resolved",
        "type",
        "level",
        "result",
        "description",
        "service",
    ]
)


def _over(a: Column, b: Column) -> bool:
    return a.x0 < b.x1 and b.x0 < a.x1


def _carry_on(rows: Sequence[Row], index: int, table: Table, pitch: float) -> int:
    """The end of a table's rows that go on at the top of a page without a new header."""
    end = body_of(rows, index, table.columns, pitch)
    first = rows[index]
    starts = {round(s.x0) for s in first.segments}
    fits = sum(1 for c in table.columns if any(abs(x - c.x0) <= 2 for x in starts))
    return end if len(first.segments) > 1 and fits >= 1 and read_heading(first.text) is None else index
