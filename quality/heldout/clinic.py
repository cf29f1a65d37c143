"""Prints a patient as five kinds of document a clinic prints: visit summary, cumulative report, letter, chart, note."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, Spacer, Table, TableStyle

from quality.heldout.layouts import Layouts, Press, shuffled
from quality.heldout.patients import Item, Patient
from quality.heldout.phrases import phrases_of
from quality.heldout.words import words_of

_WIDTH = 500.0
_RULED = TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])


def heading(press: Press, list_name: str) -> Paragraph:
    """A section's heading in the words of the edition."""
    return Paragraph(escape(press.pick(words_of(press.edition).headings[list_name])), press.head)


def measured(item: Item) -> str:
    """Value and unit as one."""
    return f"{item.value} {item.unit}".strip()


def line(press: Press, text: str, indent: float = 0.0) -> Paragraph:
    """A line of the body, set in from the margin."""
    style = ParagraphStyle("set in", parent=press.body, leftIndent=indent)
    return Paragraph(text, style)


def grid(press: Press, rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Table:
    """A ruled table with a bold first row."""
    first = [Paragraph(f"<b>{escape(text)}</b>", press.body) for text in rows[0]]
    rest = [[Paragraph(escape(text), press.body) for text in row] for row in rows[1:]]
    return Table([first, *rest], colWidths=widths, style=_RULED, hAlign="LEFT")


def visit_summary(press: Press, patient: Patient) -> list[Flowable]:
    """A summary for the patient: names in bold, what belongs to them in smaller lines set in below."""
    usual = {
        "conditions": ("Noted: {}", "Noted on {}", "Diagnosed {}"),
        "medications": ("Started: {}", "Prescribed {}", "Start taking on: {}"),
        "allergies": ("Noted {}", "Date noted: {}"),
        "procedures": ("Done on {}", "Date: {}", "Performed {}"),
        "immunizations": ("Given on {}", "Administered {}", "Last given: {}"),
        "results": ("Collected on {}", "Date: {}"),
    }
    dated = {name: press.pick(some) for name, some in phrases_of(press.edition, "visit summary", usual).items()}
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        for item in items:
            name = f"<b>{escape(item.name)}</b>"
            if list_name == "results":
                story.append(line(press, name))
                story.append(line(press, escape(f"Your value: {measured(item)}"), 12))
            else:
                story.append(line(press, name))
            if item.date:
                story.append(line(press, dated[list_name].format(press.date(item.date)), 12))
        story.append(Spacer(1, 7))
    return story


def cumulative(press: Press, patient: Patient) -> list[Flowable]:
    """A cumulative report: a row for each date and a column for each test, its unit below its name; lists beside."""
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        if list_name != "results":
            mark = press.pick((" - ", " | ", ", "))
            for item in items:
                text = f"{item.name}{mark}{press.date(item.date)}" if item.date else item.name
                story.append(line(press, escape(text)))
        else:
            tests = list(dict.fromkeys((item.name, item.unit) for item in items))
            value = {(item.name, item.unit, item.date): item.value for item in items}
            for first in range(0, len(tests), 4):
                some = tests[first : first + 4]
                days = sorted({i.date for i in items if (i.name, i.unit) in some}, reverse=True)
                rows = [
                    [press.pick(("Date", "Collected", "Specimen date")), *(name for name, _ in some)],
                    [press.pick(("Units", "", "Unit")), *(unit for _, unit in some)],
                    *([press.date(day), *(value.get((*test, day), "") for test in some)] for day in days),
                ]
                width = (_WIDTH - 100) / 4
                story += [grid(press, rows, [100.0, *[width] * len(some)]), Spacer(1, 6)]
        story.append(Spacer(1, 7))
    return story


def letter(press: Press, patient: Patient) -> list[Flowable]:
    """A general practitioner's letter: sentences, and lists that run in behind a bold or plain label."""
    he = "He" if patient.sex == "male" else "She"
    opening = press.pick(
        (
            "Thank you for seeing this patient.",
            "I would be grateful for your opinion.",
            "I reviewed this patient today.",
        )
    )
    closing = press.pick(("Yours sincerely,", "With kind regards,", "Kind regards,"))
    usual = {
        "conditions": ("{he} is known to have {}.", "Past history of note: {}.", "Active problems: {}."),
        "medications": ("{he} takes {}.", "Current treatment consists of {}.", "Repeat medication: {}."),
        "allergies": ("{he} is allergic to {}.", "Drug allergies: {}.", "Allergies noted: {}."),
        "procedures": ("{he} has previously had {}.", "{he} underwent {}.", "Previous operations and procedures: {}."),
        "immunizations": ("Vaccinations given: {}.", "{he} has been vaccinated with {}.", "Imms: {}."),
        "results": ("Recent results: {}.", "On investigation: {}.", "Latest readings were as follows: {}."),
    }
    said = {
        name: press.pick(some).replace("{he}", he) for name, some in phrases_of(press.edition, "letter", usual).items()
    }
    story: list[Flowable] = [line(press, press.pick(("Dear Dr Harris,", "Dear Colleague,"))), Spacer(1, 6)]
    story += [line(press, opening), Spacer(1, 6)]
    for list_name, items in shuffled(press, patient):
        names = [f"{i.name} {measured(i)}" if list_name == "results" else i.name for i in items]
        if list_name in {"conditions", "procedures"} and press.random.random() < 0.5:
            names = [f"{i.name} ({i.date[:4]})" if i.date else i.name for i in items]
        comma = "; " if any("," in name for name in names) else ", "
        joined = comma.join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]
        if ": {}" in said[list_name]:
            joined = comma.join(names)
        story += [line(press, escape(said[list_name].format(joined))), Spacer(1, 6)]
    return [*story, line(press, closing), line(press, "Dr A. Morgan")]


def chart(press: Press, patient: Patient) -> list[Flowable]:
    """A ward's chart: medicines with route, frequency and the nurse's initials by the clock; results with flags."""
    story: list[Flowable] = []
    words = words_of(press.edition)
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        if list_name == "medications":
            rows = [[press.pick(words.names[list_name]), "Route", press.pick(("Freq", "Frequency")), "08:00", "20:00"]]
            for item in items:
                often = press.pick(("daily", "BID", "at bedtime", "every 12 hours"))
                given = [press.pick(("JM", "KL", "-", "RT")) for _ in range(2)]
                rows.append([item.name, press.pick(("PO", "Oral", "IV")), often, *given])
            story.append(grid(press, rows, [230, 50, 90, 60, 60]))
        elif list_name == "results":
            rows = [
                [
                    press.pick(words.names[list_name]),
                    press.pick(words.values),
                    "Flag",
                    press.pick(words.units),
                    press.pick(words.times[list_name]),
                ]
            ]
            for item in items:
                flag = press.pick(("", "", "H", "L"))
                rows.append([item.name, item.value, flag, item.unit, press.date(item.date)])
            story.append(grid(press, rows, [180, 70, 40, 90, 110]))
        else:
            status = press.pick(("Active", "Confirmed", "Verified"))
            rows = [[press.pick(words.names[list_name]), "Status", press.pick(words.times[list_name]), "Comments"]]
            rows += [[item.name, status, press.date(item.date), ""] for item in items]
            story.append(grid(press, rows, [220, 70, 110, 80]))
        story.append(Spacer(1, 9))
    return story


def soap(press: Press, patient: Patient) -> list[Flowable]:
    """A note by problems: subjective and objective, then numbered problems and what is done about them."""
    lists = patient.lists
    titles = press.pick((("S:", "O:", "A:", "P:"), ("Subjective", "Objective", "Assessment", "Plan")))
    story: list[Flowable] = [line(press, f"<b>{titles[0]}</b>")]
    story.append(line(press, press.pick(("Feels well, no new concerns.", "Here for routine follow up."))))
    words = words_of(press.edition).headings
    for list_name in ("allergies", "medications", "procedures", "immunizations"):
        items = lists.get(list_name, [])
        if items:
            label = press.pick(words[list_name]).rstrip(":")
            comma = "; " if any("," in item.name for item in items) else ", "
            story.append(line(press, escape(f"{label}: {comma.join(item.name for item in items)}")))
    story.append(line(press, f"<b>{titles[1]}</b>"))
    items = lists.get("results", [])
    for day in dict.fromkeys(item.date for item in items):
        some = [f"{i.name} {measured(i)}" for i in items if i.date == day]
        story.append(line(press, escape(f"{press.date(day)}: {'; '.join(some)}")))
    story.append(line(press, f"<b>{titles[2]}</b>"))
    for number, item in enumerate(lists.get("conditions", []), start=1):
        story.append(line(press, escape(f"{number}. {item.name}")))
        if press.random.random() < 0.4:
            story.append(line(press, press.pick(("- stable, continue as before", "- well controlled")), 14))
    story.append(line(press, f"<b>{titles[3]}</b>"))
    return [*story, line(press, press.pick(("Return in three months.", "Recheck labs at next visit.")))]


CLINIC_LAYOUTS: Layouts = {
    "visit summary": visit_summary,
    "cumulative": cumulative,
    "letter": letter,
    "chart": chart,
    "soap": soap,
}
