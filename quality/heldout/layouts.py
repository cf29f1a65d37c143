"""Prints a patient in layouts drawn at random: wording, columns, typeface, and how a page is set."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from datetime import date
from typing import TypeVar
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import (
    BalancedColumns,
    Flowable,
    Paragraph,
    Preformatted,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from quality.heldout.patients import Item, Patient

#: Titles a section may bear.
_TITLES = {
    "conditions": ("Problem List", "Diagnoses", "Active Problems", "Medical Conditions", "Health Issues"),
    "medications": ("Current Medications", "Medications", "Medication Orders", "Prescribed Medicines"),
    "allergies": ("Allergies", "Allergies and Intolerances", "Known Allergies"),
    "results": ("Results", "Test Results", "Recent Measurements", "Laboratory and Vital Signs", "Observations"),
    "procedures": ("Procedures", "Procedures Performed", "Surgical and Procedure History", "Interventions"),
    "immunizations": ("Immunizations", "Vaccinations", "Immunization History", "Vaccines Given"),
}
#: Words over the column of names, and over the column of dates.
_NAMED = {
    "conditions": ("Diagnosis", "Condition", "Problem", "Description"),
    "medications": ("Medication", "Drug", "Medicine", "Product"),
    "allergies": ("Allergen", "Substance", "Allergy"),
    "results": ("Test", "Observation", "Analyte", "Measurement"),
    "procedures": ("Procedure", "Intervention", "Description"),
    "immunizations": ("Vaccine", "Immunization", "Vaccine Name"),
}
_DATED = {
    "conditions": ("Onset", "Date Diagnosed", "Since"),
    "medications": ("Start Date", "Prescribed", "Ordered"),
    "allergies": ("Noted", "Date Recorded", "Recorded"),
    "results": ("Date", "Collected", "Date of Test"),
    "procedures": ("Date", "Performed", "Date Performed"),
    "immunizations": ("Date Given", "Given", "Administered"),
}
_VALUES, _UNITS = ("Result", "Value", "Reading"), ("Units", "Unit", "UOM")
_FONTS = (("Helvetica", "Helvetica-Bold"), ("Times-Roman", "Times-Bold"), ("Courier", "Courier-Bold"))
_DATES: tuple[Callable[[date], str], ...] = (
    lambda d: d.strftime("%m/%d/%Y"),
    lambda d: d.isoformat(),
    lambda d: f"{d.day} {d:%b} {d.year}",
    lambda d: f"{d:%B} {d.day}, {d.year}",
)


Choice = TypeVar("Choice")
#: Header of a column, and what stands in it.
Column = tuple[str, Callable[[Item], str]]


class Press:
    """A layout: all that is drawn once for a document, so that it looks of one piece."""

    def __init__(self, edition: str, seed: str) -> None:
        self.edition = edition
        self.random = random.Random(f"{edition} {seed}")  # noqa: S311 - a layout, not a secret
        self.plain, self.bold = self.random.choice(_FONTS)
        self.size = self.random.choice((8.5, 9.5, 10.5))
        self.page = self.random.choice((letter, A4))
        self._date = self.random.choice(_DATES)
        self._upper = self.random.random() < 0.4
        self.body = ParagraphStyle("body", fontName=self.plain, fontSize=self.size, leading=self.size * 1.25)
        self.head = ParagraphStyle("head", fontName=self.bold, fontSize=self.size + 2, leading=self.size + 8)

    def date(self, iso: str) -> str:
        """A date as this document writes it."""
        return self._date(date.fromisoformat(iso)) if iso else ""

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of several wordings."""
        return self.random.choice(choices)

    def title(self, list_name: str) -> Paragraph:
        """A section's heading."""
        text = self.pick(_TITLES[list_name])
        return Paragraph(escape(text.upper() if self._upper else text), self.head)

    def heading(self, patient: Patient) -> list[Flowable]:
        """The document's head: who it is about."""
        lines = [f"<b>Patient:</b> {escape(patient.name)}", f"<b>Date of birth:</b> {self.date(patient.born)}"]
        text = self.pick(("Patient Summary", "Health Record Extract", "Clinical Summary", "Summary of Care"))
        return [Paragraph(text, self.head), *(Paragraph(line, self.body) for line in lines), Spacer(1, 10)]


def tables(press: Press, patient: Patient) -> list[Flowable]:
    """A table per list, columns in any order, ruled or banded."""
    story: list[Flowable] = []
    style = press.pick(("ruled", "banded", "boxed"))
    for list_name, items in shuffled(press, patient):
        columns = [
            (press.pick(_NAMED[list_name]), lambda item: item.name),
            (press.pick(_DATED[list_name]), lambda item: press.date(item.date)),
        ]
        if list_name == "results":
            columns[1:1] = [
                (press.pick(_VALUES), lambda item: item.value),
                (press.pick(_UNITS), lambda item: item.unit),
            ]
        if press.random.random() < 0.3:
            columns.insert(0, columns.pop())
        rows = [[Paragraph(f"<b>{head}</b>", press.body) for head, _ in columns]]
        rows += [[Paragraph(escape(text), press.body) for text in _cells(columns, item)] for item in items]
        widths = [_width(head, press) for head, _ in columns]
        story += [
            press.title(list_name),
            Table(rows, colWidths=widths, style=_style(style), hAlign="LEFT"),
            Spacer(1, 8),
        ]
    return story


def _cells(columns: Sequence[Column], item: Item) -> list[str]:
    return [cell(item) for _, cell in columns]


def _width(head: str, press: Press) -> float:
    named = any(head in names for names in _NAMED.values())
    return 230.0 if named else 62.0 if head in (*_VALUES, *_UNITS) else 105.0


def _style(name: str) -> TableStyle:
    commands: list[tuple[object, ...]] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
    ]
    if name == "boxed":
        commands.append(("GRID", (0, 0), (-1, -1), 0.4, colors.grey))
    if name == "banded":
        commands.append(("ROWBACKGROUNDS", (0, 1), (-1, -1), (colors.whitesmoke, colors.white)))
    return TableStyle(commands)


def bullets(press: Press, patient: Patient) -> list[Flowable]:
    """A list per section, an item to a line."""
    story: list[Flowable] = []
    mark = press.pick(("• ", "- ", "", "number"))
    for list_name, items in shuffled(press, patient):
        story.append(press.title(list_name))
        for number, item in enumerate(items, start=1):
            lead = f"{number}. " if mark == "number" else mark
            story.append(Paragraph(escape(lead + _line(press, list_name, item)), press.body))
        story.append(Spacer(1, 8))
    return story


def _line(press: Press, list_name: str, item: Item) -> str:
    when = press.date(item.date)
    if list_name == "results":
        return f"{item.name}: {item.value} {item.unit}".strip() + (f" ({when})" if when else "")
    if not when:
        return item.name
    return {"conditions": f"{item.name} (onset {when})", "medications": f"{item.name}, started {when}"}.get(
        list_name, f"{item.name} - {when}"
    )


def columns(press: Press, patient: Patient) -> list[Flowable]:
    """Lists set in two columns, results in a table below them."""
    rest = Patient(patient.name, patient.born, patient.sex, {"results": patient.lists.get("results", [])})
    lists = Patient(patient.name, patient.born, patient.sex, {k: v for k, v in patient.lists.items() if k != "results"})
    story: list[Flowable] = [BalancedColumns(bullets(press, lists), nCols=2)] if lists.lists else []
    return [*story, *tables(press, rest)]


def cards(press: Press, patient: Patient) -> list[Flowable]:
    """Every item a block of keys and values."""
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        name, dated = press.pick(_NAMED[list_name]), press.pick(_DATED[list_name])
        story.append(press.title(list_name))
        for item in items:
            pairs = [(name, item.name), (dated, press.date(item.date))]
            if list_name == "results":
                pairs.insert(1, (press.pick(("Result", "Value")), f"{item.value} {item.unit}".strip()))
            story += [Paragraph(f"<b>{key}:</b> {escape(value)}", press.body) for key, value in pairs if value]
            story.append(Spacer(1, 5))
    return story


def typed(press: Press, patient: Patient) -> list[Flowable]:
    """A print-out in fixed pitch, columns set with blanks."""
    lines: list[str] = []
    for list_name, items in shuffled(press, patient):
        widest = max(len(item.name) for item in items) + 2
        lines += ["", press.pick(_TITLES[list_name]).upper(), ""]
        head = press.pick(_NAMED[list_name]).ljust(widest)
        more = f"{press.pick(_VALUES):>9}  {press.pick(_UNITS):<10}" if list_name == "results" else ""
        lines += [head + more + press.pick(_DATED[list_name])]
        for item in items:
            measured = f"{item.value:>9}  {item.unit:<10}" if list_name == "results" else ""
            lines.append(item.name.ljust(widest) + measured + press.date(item.date))
    widest_line = max(map(len, lines))
    size = min(9.0, 520 / (0.6 * widest_line))
    return [
        Preformatted("\n".join(lines), ParagraphStyle("typed", fontName="Courier", fontSize=size, leading=size * 1.2))
    ]


def prose(press: Press, patient: Patient) -> list[Flowable]:
    """A letter: every list in sentences."""
    he, his = ("He", "His") if patient.sex == "male" else ("She", "Her")
    said = {
        "conditions": f"{his} medical history includes {{}}.",
        "medications": f"{he} currently takes {{}}.",
        "allergies": f"{he} has a documented {{}}.",
        "procedures": f"{he} has undergone {{}}.",
        "immunizations": f"{he} has received the following vaccines: {{}}.",
        "results": "Recent measurements were {}.",
    }
    story: list[Flowable] = [Paragraph("Dear colleague,", press.body), Spacer(1, 6)]
    for list_name, items in shuffled(press, patient):
        names = [f"{i.name} {i.value} {i.unit}".strip() if list_name == "results" else i.name for i in items]
        joined = "; ".join(names[:-1]) + ("; and " if len(names) > 1 else "") + names[-1]
        story += [Paragraph(escape(said[list_name].format(joined)), press.body), Spacer(1, 6)]
    return story


def shuffled(press: Press, patient: Patient) -> list[tuple[str, list[Item]]]:
    """The lists that hold anything, in an order drawn for this document."""
    filled = [(name, items) for name, items in patient.lists.items() if items]
    press.random.shuffle(filled)
    return filled


#: Kinds of layout by name: each makes a document of a press and a patient.
Layouts = dict[str, Callable[[Press, Patient], list[Flowable]]]
LAYOUTS: Layouts = {
    "tables": tables,
    "bullets": bullets,
    "columns": columns,
    "cards": cards,
    "typed": typed,
    "prose": prose,
}


def print_patient(patient: Patient, layout: str, edition: str, layouts: Layouts = LAYOUTS) -> bytes:
    """The patient's document as a PDF; the same for the same patient, layout and edition.

    Args:
        patient: what to print.
        layout: a name of ``layouts``.
        edition: another edition of the same layout differs in wording, columns, order and type.
        layouts: the kinds of layout to choose from.
    """
    press = Press(edition, f"{patient.name} {layout}")
    buffer = io.BytesIO()
    document = SimpleDocTemplate(buffer, pagesize=press.page, leftMargin=45, rightMargin=45, invariant=1)
    document.build([*press.heading(patient), *layouts[layout](press, patient)])
    return buffer.getvalue()
