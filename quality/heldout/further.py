"""Prints a patient in six further kinds of layout, with other headings, which the analyzer was not written for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from reportlab.platypus import Flowable, Paragraph, Spacer, Table, TableStyle

from quality.heldout.layouts import Layouts, Press, shuffled
from quality.heldout.patients import Patient


class _Words(NamedTuple):
    """The words of an edition: headings of sections, and of the columns of names, dates, values and units."""

    headings: dict[str, tuple[str, ...]]
    names: dict[str, tuple[str, ...]]
    times: dict[str, tuple[str, ...]]
    values: tuple[str, ...]
    units: tuple[str, ...]


#: The edition that was looked at once, and then mended for.
_FIRST = _Words(
    headings={
        "conditions": ("Dx", "PMH / Active Dx", "Diagnosis Summary", "Patient Problems", "Known Medical Conditions"),
        "medications": ("Rx", "Meds", "Current Rx", "Medication Record", "Medicines in Use"),
        "allergies": ("Allergies/ADRs", "Allergy Status", "Known Drug and Food Allergies", "Alerts: Allergies"),
        "results": ("Labs/Vitals", "Results Review", "Measured Values", "Obs. & Labs", "Lab and Vitals Flowsheet"),
        "procedures": ("Px", "Procedures Hx", "Past Procedures and Surgeries", "Tests and Procedures Done"),
        "immunizations": ("Imm.", "Immunization Hx", "Vaccine Administration", "Shots Given", "Imms"),
    },
    names={
        "conditions": ("Dx", "Problem Name", "Health Problem"),
        "medications": ("Med", "Rx", "Medication and Strength", "Drug Name"),
        "allergies": ("Agent", "Allergic To", "Allergen Name"),
        "results": ("Component", "Parameter", "Item", "Lab Test"),
        "procedures": ("Px", "Procedure Name", "Service"),
        "immunizations": ("Vaccine Product", "Imm.", "Vaccine Type"),
    },
    times={
        "conditions": ("Onset Dt", "Dx Date", "From"),
        "medications": ("Start Dt", "Rx Date", "Begun"),
        "allergies": ("Entered", "Noted On", "Dt Recorded"),
        "results": ("Coll. Date", "Dt", "Result Dt", "Observed On"),
        "procedures": ("Svc Date", "Done On", "Dt Performed"),
        "immunizations": ("Admin Dt", "Date of Shot", "Given On"),
    },
    values=("Obs", "Val", "Measured", "Result Value"),
    units=("UoM", "Unit of Measure", "Units"),
)
#: The edition that was looked at once more, after the first mending; the second followed.
_SECOND = _Words(
    headings={
        "conditions": (
            "Chronic Conditions & Diagnoses",
            "Diagnostic List",
            "Medical Hx",
            "Problems (Current)",
            "Probs",
        ),
        "medications": ("Home Meds", "Drug Chart", "Pharmacy Profile", "Current Therapy", "Medication Sheet"),
        "allergies": ("Allergies & Sensitivities", "Adverse Reactions", "Allergens", "Allergy Summary"),
        "results": ("Investigations", "Lab Data", "Vitals and Tests", "Test Findings", "Diagnostics"),
        "procedures": ("Operations/Procedures", "Surgical Hx", "Interventions and Tests", "Procedure Register"),
        "immunizations": ("Vaccine Hx", "Immunisation Register", "Vax", "Inoculation Record", "Vaccines to Date"),
    },
    names={
        "conditions": ("Diagnosis Text", "Problem/Condition", "Ailment"),
        "medications": ("Medicine Name", "Preparation", "Drug/Strength", "Medication Ordered"),
        "allergies": ("Trigger", "Substance Name", "Allergy To"),
        "results": ("Analyte Name", "Study", "Measure", "What Was Measured"),
        "procedures": ("Procedure Done", "Operation Name", "Intervention"),
        "immunizations": ("Vaccine (Product)", "Immunizing Agent", "Vacc."),
    },
    times={
        "conditions": ("Dt of Onset", "Diag. Date", "First Dx"),
        "medications": ("Commenced", "Started On", "Date Issued"),
        "allergies": ("Date Identified", "Reported", "Since"),
        "results": ("Taken", "Test Dt", "Sample Date", "Date/Time"),
        "procedures": ("Op Date", "When", "Date Done"),
        "immunizations": ("Dose Date", "Vaccinated On", "Admin. Date"),
    },
    values=("Finding", "Level", "Res.", "Reading"),
    units=("Unit", "U/M", "Unit (UCUM)"),
)
#: And once more after the second mending; the third followed.
_THIRD = _Words(
    headings={
        "conditions": ("Morbidity Overview", "Dx List", "Ongoing Issues", "Health Conditions on File"),
        "medications": ("Pharmacotherapy", "Pills and Doses", "Rx List", "Med Orders", "Treatment Now"),
        "allergies": ("Hypersensitivities", "Allergy Information", "Reactions to Substances", "ADRs"),
        "results": ("Test Values", "Bloods and Vitals", "Lab Work", "Numbers to Watch", "Clinical Measurements"),
        "procedures": ("Procedures & Examinations", "Things Done", "Interventional History", "Procedural Log"),
        "immunizations": ("Immunity Status", "Vaccs", "Immunization Card", "Protective Shots", "Vaccines Had"),
    },
    names={
        "conditions": ("Condition Text", "Illness", "Dx Name"),
        "medications": ("Medicinal Product", "Drug and Form", "Remedy"),
        "allergies": ("Culprit", "Allergy Agent", "Reacts To"),
        "results": ("Quantity Measured", "Test/Measure", "Lab Item"),
        "procedures": ("What Was Done", "Px Name", "Examination"),
        "immunizations": ("Vaccine Given", "Product Given", "Shot"),
    },
    times={
        "conditions": ("Began", "Date First Seen", "Dx Made"),
        "medications": ("From Date", "Put On", "Ordered On"),
        "allergies": ("First Noted", "Logged", "Recorded Dt"),
        "results": ("Drawn", "On", "Date Taken"),
        "procedures": ("Date of Px", "Performed On", "Day"),
        "immunizations": ("Shot Date", "Given Dt", "Received"),
    },
    values=("Outcome", "Amount", "Figure", "Measured Value"),
    units=("In", "Unit Used", "UOM"),
)
#: Those of any other edition, not looked at.
_OTHER = _Words(
    headings={
        "conditions": ("Illnesses Noted", "Working Diagnoses", "Problem Overview", "Conditions We Know Of"),
        "medications": ("Medicine Chest", "Drugs Dispensed", "Script List", "Tablets & Other Medicines"),
        "allergies": ("Sensitivities Noted", "Allergy Alerts", "Intolerance Summary", "What to Avoid"),
        "results": ("Laboratory Values", "Readings and Tests", "Vitals/Lab Overview", "Key Figures"),
        "procedures": ("Interventions Done", "Surgery & Procedures", "Treatments Performed", "Past Interventions"),
        "immunizations": ("Vaccination Overview", "Jabs Received", "Immunisations Given", "Vaccine Passport"),
    },
    names={
        "conditions": ("Problem Label", "Diagnosis (Text)", "Complaint"),
        "medications": ("Drug Label", "Medicine/Strength", "Prescribed Item"),
        "allergies": ("Offending Agent", "Substance/Food", "Allergic Reaction To"),
        "results": ("Test Label", "Investigation Name", "Marker Name"),
        "procedures": ("Intervention Name", "Procedure Label", "Treatment Given"),
        "immunizations": ("Vaccine Label", "Jab", "Immunisation Type"),
    },
    times={
        "conditions": ("Onset (Date)", "Diagnosed On", "Start"),
        "medications": ("Dispensed", "Prescribed On", "Start of Use"),
        "allergies": ("Recorded On", "Dt", "Known Since"),
        "results": ("Measured On", "Sampled", "Test Date"),
        "procedures": ("Carried Out", "Date of Procedure", "On Date"),
        "immunizations": ("Jab Date", "Date Vaccinated", "Dt Given"),
    },
    values=("Result", "Reading", "Found", "Test Value"),
    units=("Units", "Unit", "Dim."),
)
_EDITIONS = {"first": _FIRST, "second": _SECOND, "third": _THIRD}


def _words(press: Press) -> _Words:
    return _EDITIONS.get(press.edition, _OTHER)


_PLAIN = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1)])
_WIDTH = 500.0


def _heading(press: Press, list_name: str) -> Paragraph:
    return Paragraph(escape(press.pick(_words(press).headings[list_name])), press.head)


def _table(press: Press, rows: Sequence[Sequence[str]], widths: Sequence[float], head: str = "{}") -> Table:
    first = [Paragraph(head.format(escape(text)), press.body) for text in rows[0]]
    rest = [[Paragraph(escape(text), press.body) for text in row] for row in rows[1:]]
    return Table([first, *rest], colWidths=widths, style=_PLAIN, hAlign="LEFT")


def unruled(press: Press, patient: Patient) -> list[Flowable]:
    """Tables without a rule or a bold word, among columns of no interest; the unit with the value or the name."""
    story: list[Flowable] = []
    unit_in_name = press.random.random() < 0.5
    for list_name, items in shuffled(press, patient):
        names, figures = [item.name for item in items], [f"{item.value} {item.unit}".strip() for item in items]
        if list_name == "results" and unit_in_name:
            names = [f"{item.name} ({item.unit})" if item.unit else item.name for item in items]
            figures = [item.value for item in items]
        columns = [
            (press.pick(_words(press).names[list_name]), 215.0, names),
            (press.pick(_words(press).times[list_name]), 95.0, [press.date(item.date) for item in items]),
        ]
        if list_name == "results":
            columns.insert(1, (press.pick(_words(press).values), 75.0, figures))
        if press.random.random() < 0.5:
            columns.insert(0, columns.pop())
        source = press.pick(("Clinic", "EHR", "Patient"))
        columns.append((press.pick(("Source", "Recorded By", "Entered By")), 75.0, [source] * len(items)))
        rows = [[head for head, _, _ in columns], *zip(*(cells for _, _, cells in columns), strict=True)]
        story += [_heading(press, list_name), _table(press, rows, [width for _, width, _ in columns]), Spacer(1, 9)]
    return story


def flowsheet(press: Press, patient: Patient) -> list[Flowable]:
    """Results as a row per test and a column per date; the other lists in plain tables."""
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        story.append(_heading(press, list_name))
        if list_name == "results":
            days = sorted({item.date for item in items}, reverse=press.random.random() < 0.5)
            tests = list(dict.fromkeys((item.name, item.unit) for item in items))
            value = {(item.name, item.date): item.value for item in items}
            rows = [
                [press.pick(_words(press).names[list_name]), press.pick(_words(press).units), *map(press.date, days)]
            ]
            rows += [[name, unit, *(value.get((name, day), "") for day in days)] for name, unit in tests]
            width = (_WIDTH - 250) / len(days)
            story.append(_table(press, rows, [190.0, 60.0, *[width] * len(days)], "<b>{}</b>"))
        else:
            rows = [[press.pick(_words(press).times[list_name]), press.pick(_words(press).names[list_name])]]
            rows += [[press.date(item.date), item.name] for item in items]
            story.append(_table(press, rows, [110.0, 300.0], "<b>{}</b>"))
        story.append(Spacer(1, 9))
    return story


def halves(press: Press, patient: Patient) -> list[Flowable]:
    """Lists side by side in boxes; the results below in two groups of columns."""
    boxes: list[list[Flowable]] = []
    for list_name, items in shuffled(press, patient):
        if list_name != "results":
            lines = [f"{item.name} ({press.date(item.date)})" if item.date else item.name for item in items]
            boxes.append([_heading(press, list_name), *(Paragraph(escape(line), press.body) for line in lines)])
    pairs = [[left, right] for left, right in zip(boxes[::2], [*boxes[1::2], []], strict=False)]
    story: list[Flowable] = [Table(pairs, colWidths=[_WIDTH / 2] * 2, style=_PLAIN, hAlign="LEFT")] if pairs else []
    items = patient.lists.get("results", [])
    if items:
        head = [
            press.pick(_words(press).names["results"]),
            press.pick(_words(press).values),
            press.pick(_words(press).units),
        ]
        middle = (len(items) + 1) // 2
        rows = [head * 2]
        for index in range(middle):
            pair = [items[index], *items[middle + index : middle + index + 1]]
            cells = [cell for item in pair for cell in (item.name, item.value, item.unit)]
            rows.append(cells + [""] * (6 - len(cells)))
        story += [Spacer(1, 9), _heading(press, "results"), _table(press, rows, [150, 50, 55] * 2, "<b>{}</b>")]
    return story


def note(press: Press, patient: Patient) -> list[Flowable]:
    """A note: each list behind its heading on one line, parted by semicolons."""
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        measured = list_name == "results"
        joint = press.pick((": ", " ", " = "))
        texts = [f"{i.name}{joint}{i.value} {i.unit}".strip() if measured else i.name for i in items]
        heading = press.pick(_words(press).headings[list_name])
        story += [
            Paragraph(f"<b>{escape(heading)}:</b> {escape('; '.join(texts))}", press.body),
            Spacer(1, press.random.choice((2, 6))),
        ]
    return story


def timeline(press: Press, patient: Patient) -> list[Flowable]:
    """Everything by date, each entry behind the word for its kind."""
    words = {
        "conditions": press.pick(("Diagnosis", "Problem")),
        "medications": press.pick(("Medication started", "Prescribed", "Medication")),
        "allergies": press.pick(("Allergy recorded", "Allergy")),
        "results": press.pick(("Measurement", "Result")),
        "procedures": press.pick(("Procedure", "Procedure done")),
        "immunizations": press.pick(("Immunization", "Vaccine given")),
    }
    entries = [(item.date, list_name, item) for list_name, items in patient.lists.items() for item in items]
    entries.sort(key=lambda entry: (entry[0], entry[1]), reverse=True)
    story: list[Flowable] = [Paragraph(press.pick(("Timeline", "Chronology of Care", "Record by Date")), press.head)]
    day = None
    for date, list_name, item in entries:
        if date != day:
            story.append(Paragraph(f"<b>{press.date(date) or 'Undated'}</b>", press.body))
            day = date
        more = f" {item.value} {item.unit}".rstrip() if list_name == "results" else ""
        story.append(Paragraph(escape(f"{words[list_name]}: {item.name}{more}"), press.body))
    return story


def leaders(press: Press, patient: Patient) -> list[Flowable]:
    """Numbered lines; what belongs to a name follows dots or a dash."""
    story: list[Flowable] = []
    dots = press.pick((" ..... ", " — ", " -> "))
    for list_name, items in shuffled(press, patient):
        story.append(_heading(press, list_name))
        for number, item in enumerate(items, start=1):
            more = f"{item.value} {item.unit}".strip() if list_name == "results" else press.date(item.date)
            line = f"{number}) {item.name}{dots}{more}" if more else f"{number}) {item.name}"
            if list_name == "results" and item.date:
                line += f"  [{press.date(item.date)}]"
            story.append(Paragraph(escape(line), press.body))
        story.append(Spacer(1, 8))
    return story


FURTHER_LAYOUTS: Layouts = {
    "unruled": unruled,
    "flowsheet": flowsheet,
    "halves": halves,
    "note": note,
    "timeline": timeline,
    "leaders": leaders,
}
