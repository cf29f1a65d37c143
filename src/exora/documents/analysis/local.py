"""The local analyzer: pages of words in, a clinical record out, on this machine and without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from exora.documents.analysis import ANALYZER, read_events, read_results
from exora.documents.analysis.abreast import one_below_another
from exora.documents.analysis.answers import answer_behind, is_question
from exora.documents.analysis.columns import LIST_OF_ROLE
from exora.documents.analysis.context import sentences
from exora.documents.analysis.dates import first_date
from exora.documents.analysis.doctype import document_type
from exora.documents.analysis.doses import FREQUENCY, STRENGTH
from exora.documents.analysis.draft import Draft, looks_like_sentence
from exora.documents.analysis.geometry import Row, Run
from exora.documents.analysis.headings import heading_kind
from exora.documents.analysis.inference import kind_of_names
from exora.documents.analysis.lists import Entry, entries, grouped, status_of_group, take_apart
from exora.documents.analysis.merge import build_items
from exora.documents.analysis.patient import is_administrative, read_patient
from exora.documents.analysis.prose import read_prose, read_sentence
from exora.documents.analysis.readers import FROM_CELLS, FROM_ENTRY
from exora.documents.analysis.reading import rows_in_order
from exora.documents.analysis.records import detailed_records, keyed_records
from exora.documents.analysis.sections import Section, split_sections
from exora.documents.analysis.tables import Table
from exora.documents.analysis.text import Place, pages_from_text, word_places
from exora.documents.analysis.wording import kind_of_title
from exora.domain.document import PageText
from exora.domain.record import DocumentInfo, Engines, Record

_NAME_ROLES: dict[str, frozenset[str]] = {
    "medications": frozenset({"medication", "name"}),
    "conditions": frozenset({"condition", "name"}),
    "history": frozenset({"condition", "name"}),
    "allergies": frozenset({"allergen", "name"}),
    "procedures": frozenset({"procedure", "name"}),
    "immunizations": frozenset({"vaccine", "name"}),
    "encounters": frozenset({"visit", "name"}),
    "results": frozenset({"test", "name"}),
}


def analyze(pages: Sequence[PageText], *, sha256: str) -> Record:
    """The clinical record of a document.

    Pure and deterministic: no input or output but the packaged tables. Every item is quoted from its page.

    Args:
        pages: the document's pages in order.
        sha256: hexadecimal digest of the document's bytes, copied into the record.
    """
    layout = next((page.layout for page in pages if page.layout is not None), None)
    return _analyze(pages, sha256, None if layout is None else word_places(layout))


def analyze_text(text: str, *, sha256: str) -> Record:
    """The clinical record of a plain text; sources carry character offsets into ``text`` instead of boxes.

    Args:
        text: the document.
        sha256: hexadecimal digest of the text's bytes, copied into the record.
    """
    return analyze(pages_from_text(text), sha256=sha256)


def _analyze(pages: Sequence[PageText], sha256: str, places: Sequence[Place] | None) -> Record:
    rows = rows_in_order(pages, places)
    sections = split_sections(rows)
    drafts = [draft for section in sections for draft in read_section(section)]
    counts: dict[str, int] = {}
    for draft in drafts:
        counts[draft.list_name] = counts.get(draft.list_name, 0) + 1
    kind = document_type(rows, [section.kind for section in sections], counts)
    drafts.extend(read_events.header_encounter(rows, kind))
    read_results.add_dates(drafts, rows, kind)
    items = build_items(drafts, pages, places)
    record = Record(
        document=DocumentInfo(type=kind, pages=len(pages), sha256=sha256, language=_language(rows)),
        patient=read_patient(rows, sections),
        engines=Engines(ocr="+".join(dict.fromkeys(page.engine for page in pages)), analyzer=ANALYZER),
        warnings=list(dict.fromkeys(warning for page in pages for warning in page.warnings)),
    )
    return record.model_copy(update=items)


def read_section(section: Section) -> list[Draft]:
    """The drafts of one section; a date in its heading is that of its results, e.g. "Results of 03/12/2019"."""
    if section.kind == "other" and heading_kind(section.title) is None:
        section = replace(section, kind=kind_of_title(section.title) or _inferred_kind(section) or section.kind)
    elif section.kind == "imaging" and _inferred_kind(section) == "results":
        section = replace(section, kind="results")
    drafts = _read_section(section)
    date = first_date(section.heading.text, years=False) if section.heading else None
    if date and section.kind in {"results", "vitals", "immunizations", "procedures"}:
        for draft in drafts:
            if draft.list_name in {"results", "immunizations", "procedures"}:
                draft.date = draft.date or date
    return drafts


def _inferred_kind(section: Section) -> str | None:
    """What a section holds whose heading no list holds, by its entries."""
    keyed, rows = keyed_records(section.rows, frozenset({"name", *LIST_OF_ROLE}))
    detailed, rows = detailed_records(rows)
    records = [*keyed, *detailed]
    if records and sum("value" in record for record in records) > len(records) / 2:
        return "results"
    listed = entries(rows)
    if listed and sum(len(read_results.from_line(entry.run, "results")) > 0 for entry in listed) > len(listed) / 2:
        measured = [draft for entry in listed for draft in read_results.from_line(entry.run, "")]
        return "results" if len(measured) > len(listed) / 2 else None
    return kind_of_names([*map(_named, records), *(take_apart(entry).name for entry in listed)])


def _named(record: dict[str, Run]) -> str:
    return next((run.text for role, run in record.items() if role == "name" or role in LIST_OF_ROLE), "")


def _read_section(section: Section) -> list[Draft]:
    """The drafts of one section: its tables by their own headers, its rows by the section's kind."""
    drafts: list[Draft] = []
    for table in section.tables:
        kind = table.list_name or section.kind
        if kind not in FROM_CELLS:
            kind = kind_of_names([record["name"].text for record in table.records if "name" in record]) or kind
        roles = {column.role for column in table.columns}
        if section.kind in FROM_CELLS and not roles & LIST_OF_ROLE.keys() and not {"value", "unit"} <= roles:
            # The header says only "name": its section knows better what is named.
            kind = section.kind if section.kind != "encounters" else kind
        if table.list_name in {"results", "conditions"} and section.kind in {"vitals", "history", "family"}:
            kind = section.kind
        if kind != section.kind and section.kind in FROM_CELLS and _holds(table, section.kind):
            kind, table = section.kind, _renamed(table)
        if kind == "medications" and section.kind not in FROM_CELLS and _are_vaccines(table):
            kind, table = "immunizations", _renamed(table)
        if _PLANNED.search(section.title) and kind in {"immunizations", "procedures"}:
            continue
        reader = FROM_CELLS.get(kind)
        if reader is not None:
            drafts.extend(draft for record in table.records for draft in reader(record, kind))
    kind = section.kind
    listed = [row for row in section.rows if not is_administrative(row) and not is_question(row.text)]
    if kind in {"results", "vitals"}:
        records, listed = keyed_records(listed, _NAME_ROLES["results"])
        detailed, listed = detailed_records(listed)
        for record in [*records, *detailed]:
            drafts.extend(FROM_CELLS[kind](record, kind) or _as_line(record, kind))
        for entry in entries(listed):
            drafts.extend(read_results.from_line(entry.run, kind))
        return drafts
    if kind not in FROM_ENTRY:
        return [*drafts, *read_prose(section.rows, kind, section.title)]
    records, rows = keyed_records(listed, _NAME_ROLES.get(kind, frozenset()))
    detailed, rows = detailed_records(rows)
    drafts.extend(draft for record in [*records, *detailed] for draft in FROM_CELLS[kind](record, kind))
    for label, group in grouped(one_below_another(rows, kind)):
        for entry in entries(group):
            drafts.extend(_of_group(_read_entry(entry, kind), label))
    return drafts


def _read_entry(entry: Entry, kind: str) -> list[Draft]:
    """What one entry of a list says; nothing of what a form asks and the answer denies."""
    if (answer := answer_behind(entry.run.text)) is not None:
        asked, affirmed = answer
        if not affirmed:
            return []
        run = entry.run.part(0, len(asked))
        entry = Entry(run, (run,))
    if kind == "allergies" and _is_taken(entry.run.text):
        kind = "medications"
    found = FROM_ENTRY[kind](entry, kind)
    if found and not _tells_more(entry, kind):
        return found
    return [*found, *_as_sentence(entry, kind)]


def _of_group(drafts: list[Draft], label: str) -> list[Draft]:
    """Drafts with the status that the label over their part of a list tells, where none stands with them."""
    for draft in drafts:
        if label and draft.fields.get("status") == "unknown":
            draft.fields["status"] = status_of_group(label)
    return drafts


def _holds(table: Table, kind: str) -> bool:
    """Whether the names in a table look like those of the section's kind, whatever its header calls them."""
    if table.list_name not in {"medications", "conditions", "procedures", "immunizations", "allergies"}:
        return False
    names = [record[role].text for record in table.records for role in LIST_OF_ROLE if role in record]
    if kind == "allergies" and table.list_name == "medications":
        taken = sum(_is_taken(" ".join(run.text for run in record.values())) for record in table.records)
        return not any(map(STRENGTH.search, names)) and taken <= len(names) / 2
    return kind_of_names(names) == kind


def _is_taken(text: str) -> bool:
    """Whether a medicine's strength and how often it is taken stand beside it: nobody is told so of an allergen."""
    return STRENGTH.search(text) is not None and FREQUENCY.search(text) is not None


#: Titles of what is to be done, and was not.
_PLANNED = re.compile(r"\b(?:due|overdue|forecast|upcoming|recommended)\b", re.I)


def _are_vaccines(table: Table) -> bool:
    """Whether a table under a word for medicines holds vaccines."""
    names = [record["medication"].text for record in table.records if "medication" in record]
    return not any(map(STRENGTH.search, names)) and kind_of_names(names) == "immunizations"


def _renamed(table: Table) -> Table:
    """The table with its column of names called that, no more."""
    records = [
        {"name" if LIST_OF_ROLE.get(role) == table.list_name else role: run for role, run in record.items()}
        for record in table.records
    ]
    return Table("", table.columns, records)


def _as_line(record: dict[str, Run], kind: str) -> list[Draft]:
    """The results of a record whose value stands with its name: "Measurement: Body weight 81 kg"."""
    named = next((record[role] for role in ("test", "name") if role in record), None)
    drafts = read_results.from_line(named, kind) if named is not None and "value" not in record else []
    if "date" in record:
        for draft in drafts:
            draft.date = draft.date or first_date(record["date"].text)
    return drafts


def _tells_more(entry: Entry, kind: str) -> bool:
    """Whether an entry goes on in prose after what it names: "Chest X-ray, 10/17/2012: normal. No effusion."."""
    text = entry.run.text
    return kind in {"encounters", "procedures", "immunizations"} and (
        looks_like_sentence(text) or len(sentences(text)) > 1
    )


def _as_sentence(entry: Entry, kind: str) -> list[Draft]:
    """What a line of prose within a list says; only whole sentences, for a list's other lines hold details."""
    if len(entry.run.tokens) < 6:
        return []
    spans = sentences(entry.run.text)
    return [draft for start, end in spans for draft in read_sentence(entry.run, start, end, kind)]


_ENGLISH = frozenset(["the", "of", "and", "to", "with", "for", "was", "is", "in", "on", "patient", "date", "no", "by"])


def _language(rows: Sequence[Row]) -> str | None:
    """ "en" where common English words make up a fair share of the text; None if that is not certain."""
    words = [token.text.lower().strip(".,:;()") for row in rows[:150] for token in row.run.tokens]
    common = sum(1 for word in words if word in _ENGLISH)
    return "en" if len(words) >= 5 and common >= max(1, 0.02 * len(words)) else None
