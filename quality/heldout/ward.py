"""Prints a patient in five kinds of form and letter: emergency, transfer, specialist's, reconciliation, school."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.platypus import Flowable, Paragraph, Spacer, Table, TableStyle

from quality.heldout.clinic import grid, heading, line, measured
from quality.heldout.layouts import Layouts, Press, shuffled
from quality.heldout.patients import Item, Patient
from quality.heldout.words import words_of

_WIDTH = 500.0
_BOXED = TableStyle([("GRID", (0, 0), (-1, -1), 0.6, colors.black), ("VALIGN", (0, 0), (-1, -1), "TOP")])
_RULED_OFF = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
#: What a form asks for and the patient does not have: stands there with its box left empty.
_NOT_HAD = {
    "conditions": ("Dementia", "Seizure disorder", "Hepatitis C", "Tuberculosis", "Parkinson's disease"),
    "immunizations": ("Rabies", "Yellow fever", "Typhoid"),
}
#: The panels of a laboratory, by words in the names of their tests.
_PANELS = {
    "Lipid Panel": ("cholesterol", "triglyceride", "hdl", "ldl"),
    "Metabolic Panel": (
        "sodium", "potassium", "creatinine", "glucose", "urea", "bun", "egfr", "glomerular", "calcium", "chloride",
        "carbon dioxide", "alt", "ast",
    ),
    "Complete Blood Count": ("hemoglobin", "wbc", "platelet", "leukocytes", "erythrocytes", "hematocrit", "mcv"),
    "Vital Signs": ("heart rate", "temperature", "weight", "bmi", "mass index", "spo2", "respiratory", "pressure"),
}  # fmt: skip


def _label(press: Press, list_name: str) -> str:
    return press.pick(words_of(press.edition).headings[list_name]).rstrip(":")


def _comma(items: Sequence[Item]) -> str:
    return "; " if any("," in item.name for item in items) else ", "


def _days(items: Sequence[Item]) -> list[str]:
    return list(dict.fromkeys(item.date for item in items))


def _boxes(press: Press, rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Table:
    """Boxed fields; the cells may hold markup."""
    cells = [[Paragraph(text, press.body) for text in row] for row in rows]
    return Table(cells, colWidths=widths, style=_BOXED, hAlign="LEFT")


def emergency(press: Press, patient: Patient) -> list[Flowable]:
    """An emergency department's record: a triage block, measurements in boxes, a boxed field for each list."""
    story: list[Flowable] = [
        line(press, press.pick(("<b>EMERGENCY DEPARTMENT RECORD</b>", "<b>ED TRIAGE &amp; TREATMENT RECORD</b>"))),
        _boxes(
            press,
            [
                ["<b>Arrival</b> 14:05", "<b>Mode</b> Ambulance", "<b>Acuity</b> ESI 3", "<b>Bed</b> 12"],
                ["<b>Triage RN</b> K. Lowe", "<b>Seen</b> 14:40", "<b>Provider</b> J. Moss", "<b>Dispo</b> Home"],
            ],
            [_WIDTH / 4] * 4,
        ),
        Spacer(1, 6),
    ]
    fields: list[list[str]] = []
    for list_name, items in shuffled(press, patient):
        if list_name != "results":
            part = press.pick(("<br/>", _comma(items)))
            dated = press.random.random() < 0.5
            texts = [f"{i.name} ({press.date(i.date)})" if dated and i.date else i.name for i in items]
            fields.append([f"<b>{escape(_label(press, list_name))}</b>", part.join(map(escape, texts))])
            continue
        for day in _days(items):
            some = [item for item in items if item.date == day]
            cells = [f"<b>{escape(item.name)}</b><br/>{escape(measured(item))}" for item in some]
            cells += [""] * (-len(cells) % 4)
            story.append(line(press, escape(f"{_label(press, list_name)} {press.date(day)}")))
            rows = [cells[start : start + 4] for start in range(0, len(cells), 4)]
            story += [_boxes(press, rows, [_WIDTH / 4] * 4), Spacer(1, 6)]
    return [*story, _boxes(press, fields, [130.0, _WIDTH - 130])] if fields else story


def transfer(press: Press, patient: Patient) -> list[Flowable]:
    """A nursing home's transfer form: several fields on a line, boxes ticked and left empty, blanks filled in."""
    ticked, empty = press.pick((("[X]", "[ ]"), ("[x]", "[ ]"), ("(X)", "( )")))
    story: list[Flowable] = [
        line(press, "<b>RESIDENT TRANSFER FORM</b>"),
        line(press, "Sent from: Oak Manor&nbsp;&nbsp;&nbsp;&nbsp;Tel: 555-0100&nbsp;&nbsp;&nbsp;&nbsp;Unit: 2 West"),
        line(press, f"Code status: {ticked} Full code&nbsp;&nbsp;{empty} DNR&nbsp;&nbsp;{empty} DNI"),
        Spacer(1, 6),
    ]
    for list_name, items in shuffled(press, patient):
        label = f"<b>{escape(_label(press, list_name))}:</b>"
        if list_name in _NOT_HAD:
            boxes = [(ticked, item) for item in items]
            others = press.random.sample(_NOT_HAD[list_name], 2)
            boxes += [(empty, Item(name, "")) for name in others if name not in {item.name for item in items}]
            press.random.shuffle(boxes)
            story.append(line(press, label))
            for start in range(0, len(boxes), 2):
                row = [f"{box} {escape(item.name)}" for box, item in boxes[start : start + 2]]
                story.append(line(press, "&nbsp;&nbsp;&nbsp;&nbsp;".join(row), 8))
        elif list_name == "allergies":
            names = _comma(items).join(item.name for item in items)
            story.append(line(press, f"{label} {empty} None known&nbsp;&nbsp;{ticked} Yes, list: {escape(names)}"))
        elif list_name == "medications":
            story.append(line(press, label))
            for item in items:
                hour = press.pick(("08:00", "20:00", "13:00"))
                story.append(
                    line(press, f"__{escape(item.name)}__&nbsp;&nbsp;Last dose: {hour}&nbsp;&nbsp;RN: ____", 8)
                )
        elif list_name == "procedures":
            texts = [f"{item.name} on {press.date(item.date)}" if item.date else item.name for item in items]
            story.append(line(press, f"{label} {escape('; '.join(texts))}"))
        else:
            story.append(line(press, label))
            for day in _days(items):
                some = [escape(f"{item.name}: {measured(item)}") for item in items if item.date == day]
                for start in range(0, len(some), 3):
                    lead = f"{press.date(day)}&nbsp;&nbsp;" if start == 0 else ""
                    story.append(line(press, lead + "&nbsp;&nbsp;&nbsp;".join(some[start : start + 3]), 8))
        story.append(Spacer(1, 5))
    return [*story, line(press, "Nurse's signature: ________&nbsp;&nbsp;&nbsp;Time of transfer: 15:20")]


def specialist(press: Press, patient: Patient) -> list[Flowable]:
    """A specialist's letter: a block of diagnoses, lists run in behind labels, results told in sentences."""
    them = "him" if patient.sex == "male" else "her"
    story: list[Flowable] = [line(press, press.pick(("Dear Dr Osei,", "Dear Doctor Osei"))), Spacer(1, 5)]
    told = press.pick(
        (
            "the {name} was {value}",
            "{name} measured {value}",
            "the {name} came back at {value}",
        )
    )
    for list_name, items in shuffled(press, patient):
        label = escape(_label(press, list_name))
        if list_name == "conditions":
            story.append(line(press, f"<b>{label}:</b>"))
            for number, item in enumerate(items, start=1):
                since = press.pick((f", since {item.date[:4]}", "", f" - {item.date[:4]}")) if item.date else ""
                story.append(line(press, escape(f"{number}. {item.name}{since}"), 14))
        elif list_name == "results":
            sentences = []
            for day in _days(items):
                some = [told.format(name=i.name, value=measured(i)) for i in items if i.date == day]
                joined = ", ".join(some[:-1]) + (" and " if len(some) > 1 else "") + some[-1]
                lead = press.pick(("On {},", "When measured on {},", "We saw on {} that")).format(press.date(day))
                sentences.append(f"{lead} {joined}.")
            story.append(line(press, escape(" ".join(sentences))))
        else:
            names = _comma(items).join(item.name for item in items)
            story.append(line(press, f"<b>{label}:</b> {escape(names)}" + press.pick(("", "."))))
        story.append(Spacer(1, 5))
    story.append(line(press, f"It was a pleasure to see this patient, and I plan to review {them} in six months."))
    return [*story, line(press, "Yours sincerely"), line(press, "Dr L. Ferrante, Consultant Physician")]


def reconciliation(press: Press, patient: Patient) -> list[Flowable]:
    """A pharmacist's sheet: a column for each thing to do with a medicine; tests set in below their panels."""
    story: list[Flowable] = []
    words = words_of(press.edition)
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        if list_name == "medications":
            acts = press.pick((("CONTINUE", "CHANGE", "STOP", "NEW"), ("Cont.", "Modify", "Hold", "Start")))
            rows = [[press.pick(words.names[list_name]), press.pick(("Last taken", "Last dose")), *acts, "RPh"]]
            for item in items:
                act = press.pick((0, 0, 0, 1, 3))
                marks = ["X" if place == act else "" for place in range(4)]
                rows.append([item.name, press.pick(("today", "yesterday", "08:00")), *marks, press.pick(("DB", ""))])
            story.append(grid(press, rows, [180, 65, 62, 55, 42, 42, 35]))
        elif list_name == "results":
            ranges = press.random.random() < 0.5
            for day in _days(items):
                story.append(line(press, escape(press.date(day))))
                for panel, some in _by_panel([item for item in items if item.date == day]).items():
                    story.append(line(press, f"<b>{panel}</b>"))
                    rows = [[f"{i.name}", measured(i), _range(i) if ranges else ""] for i in some]
                    cells = [[line(press, escape(text), 14 if not n else 0) for n, text in enumerate(r)] for r in rows]
                    story.append(Table(cells, colWidths=[250, 110, 100], hAlign="LEFT"))
        elif list_name == "allergies":
            rows = [[press.pick(words.names[list_name]), "Reaction", "Severity", "Verified with"]]
            rows += [[i.name, press.pick(("Rash", "Hives", "Not known")), "Moderate", "Patient"] for i in items]
            story.append(grid(press, rows, [200, 90, 90, 100]))
        else:
            source = press.pick(("per patient", "per outside records", "per pharmacy"))
            for item in items:
                when = f", {press.date(item.date)}" if item.date else ""
                story.append(line(press, escape(f"{item.name}{when} [{source}]")))
        story.append(Spacer(1, 7))
    return [
        *story,
        line(press, "Reconciled by: D. Bell, PharmD&nbsp;&nbsp;&nbsp;Sources: patient, pharmacy fill history"),
    ]


def _by_panel(items: Sequence[Item]) -> dict[str, list[Item]]:
    panels: dict[str, list[Item]] = {}
    for item in items:
        name = item.name.lower()
        found = (panel for panel, words in _PANELS.items() if any(word in name for word in words))
        panels.setdefault(next(found, "Other Tests"), []).append(item)
    return panels


def _range(item: Item) -> str:
    return f"({float(item.value) * 0.8:.1f} - {float(item.value) * 1.25:.1f})"


def school(press: Press, patient: Patient) -> list[Flowable]:
    """A school's health form: vaccines by doses, questions answered yes or no, the last and earlier values."""
    story: list[Flowable] = []
    words = words_of(press.edition)
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        name = press.pick(words.names[list_name])
        if list_name == "immunizations":
            doses = press.pick((("1", "2", "3", "4", "5"), ("Dose 1", "Dose 2", "Dose 3", "Dose 4", "Dose 5")))
            rows = [[name, *doses]]
            for item in items:
                given = _doses(press, item.date) if item.date else ["yes"]
                rows.append([item.name, *given, *[""] * (5 - len(given))])
            story.append(grid(press, rows, [150, *[72.0] * 5]))
        elif list_name == "conditions":
            asked = [(item.name, "X", "", press.date(item.date)) for item in items]
            others = [other for other in _NOT_HAD[list_name] if other not in {item.name for item in items}]
            asked += [(other, "", "X", "") for other in press.random.sample(others, 2)]
            press.random.shuffle(asked)
            story.append(grid(press, [[name, "Yes", "No", "If yes, since"], *asked], [240, 40, 40, 120]))
        elif list_name == "results":
            story.append(_last_and_earlier(press, name, items))
        else:
            label = press.pick(("{}. {}", "{}) {}"))
            cells = [line(press, escape(label.format(n, item.name))) for n, item in enumerate(items, start=1)]
            whens = [line(press, escape(press.date(item.date))) for item in items]
            rows_of = [list(row) for row in zip(cells, whens, strict=True)]
            story.append(Table(rows_of, colWidths=[340, 120], style=_RULED_OFF, hAlign="LEFT"))
        story.append(Spacer(1, 7))
    return [*story, line(press, "Physician's signature: ____________&nbsp;&nbsp;May take part in sports: Yes")]


def _doses(press: Press, iso: str) -> list[str]:
    first = date.fromisoformat(iso)
    return [press.date((first + timedelta(days=61 * n)).isoformat()) for n in range(press.random.randint(1, 4))]


def _last_and_earlier(press: Press, name: str, items: Sequence[Item]) -> Table:
    """A row for each test, in its cells the value, the unit and, in brackets, the date."""
    rows = [[name, press.pick(("Latest", "Most recent")), press.pick(("Previous", "Prior"))]]
    tests: dict[str, list[str]] = {}
    for item in items:
        when = f" ({press.date(item.date)})" if item.date else ""
        tests.setdefault(item.name, []).append(measured(item) + when)
    for test, cells in tests.items():
        rows += [[test, *[*cells, ""][start : start + 2]] for start in range(0, len(cells), 2)]
    return grid(press, rows, [180, 160, 160])


WARD_LAYOUTS: Layouts = {
    "emergency": emergency,
    "transfer": transfer,
    "specialist": specialist,
    "reconciliation": reconciliation,
    "school": school,
}
