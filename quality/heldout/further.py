"""Prints a patient in six further kinds of layout, with other headings, which the analyzer was not written for."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.platypus import Flowable, Paragraph, Spacer, Table, TableStyle

from quality.heldout.layouts import Layouts, Press, shuffled
from quality.heldout.patients import Patient
from quality.heldout.phrases import phrases_of
from quality.heldout.words import words_of

_PLAIN = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1)])
_WIDTH = 500.0


def _heading(press: Press, list_name: str) -> Paragraph:
    return Paragraph(escape(press.pick(words_of(press.edition).headings[list_name])), press.head)


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
            (press.pick(words_of(press.edition).names[list_name]), 215.0, names),
            (press.pick(words_of(press.edition).times[list_name]), 95.0, [press.date(item.date) for item in items]),
        ]
        if list_name == "results":
            columns.insert(1, (press.pick(words_of(press.edition).values), 75.0, figures))
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
                [
                    press.pick(words_of(press.edition).names[list_name]),
                    press.pick(words_of(press.edition).units),
                    *map(press.date, days),
                ]
            ]
            rows += [[name, unit, *(value.get((name, day), "") for day in days)] for name, unit in tests]
            width = (_WIDTH - 250) / len(days)
            story.append(_table(press, rows, [190.0, 60.0, *[width] * len(days)], "<b>{}</b>"))
        else:
            rows = [
                [
                    press.pick(words_of(press.edition).times[list_name]),
                    press.pick(words_of(press.edition).names[list_name]),
                ]
            ]
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
            press.pick(words_of(press.edition).names["results"]),
            press.pick(words_of(press.edition).values),
            press.pick(words_of(press.edition).units),
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
        heading = press.pick(words_of(press.edition).headings[list_name])
        story += [
            Paragraph(f"<b>{escape(heading)}:</b> {escape('; '.join(texts))}", press.body),
            Spacer(1, press.random.choice((2, 6))),
        ]
    return story


def timeline(press: Press, patient: Patient) -> list[Flowable]:
    """Everything by date, each entry behind the word for its kind."""
    usual = {
        "conditions": ("Diagnosis", "Problem"),
        "medications": ("Medication started", "Prescribed", "Medication"),
        "allergies": ("Allergy recorded", "Allergy"),
        "results": ("Measurement", "Result"),
        "procedures": ("Procedure", "Procedure done"),
        "immunizations": ("Immunization", "Vaccine given"),
    }
    words = {name: press.pick(some) for name, some in phrases_of(press.edition, "timeline", usual).items()}
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
