"""Prints a patient as six more documents: visit summary, hospital letter, portal, admission form, registry, plan."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Line, Rect
from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, Spacer, Table, TableStyle

from quality.heldout.clinic import grid, heading, line, measured
from quality.heldout.layouts import Layouts, Press, shuffled
from quality.heldout.patients import Item, Patient
from quality.heldout.words import words_of

_WIDTH = 500.0
_TOP = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 4)])
_TILES = TableStyle(
    [("INNERGRID", (0, 0), (-1, -1), 3, colors.white), ("BACKGROUND", (0, 0), (-1, -1), colors.whitesmoke)]
)
_BOXED = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("VALIGN", (0, 0), (-1, -1), "TOP")])
_UNDERLINED = TableStyle([("LINEBELOW", (0, 0), (-1, -1), 0.3, colors.lightgrey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
#: Ticked and empty boxes, as forms print them.
_TICKED = '<font name="ZapfDingbats">\u2714</font>'
_EMPTY = '<font name="ZapfDingbats">\u274f</font>'
#: Asked for by forms, and not had.
_ASKED = ("Stroke", "Tuberculosis", "Hepatitis B", "Seizures", "Bleeding disorder", "Sickle cell disease")
_NOT_GIVEN = ("Rabies", "Yellow fever", "Typhoid, ViCPS", "Cholera")
_CODES = ("I10", "E11.9", "J45.909", "K21.9", "M17.11", "E03.9", "N18.30", "F32.A", "G43.009", "M10.9")


def _title(press: Press, list_name: str) -> str:
    return press.pick(words_of(press.edition).headings[list_name]).rstrip(":")


def _small(press: Press, text: str) -> Paragraph:
    size = press.size - 2
    return Paragraph(text, ParagraphStyle("small", parent=press.body, fontSize=size, leading=size * 1.25))


def _days(items: Sequence[Item]) -> list[str]:
    return list(dict.fromkeys(item.date for item in items))


def _in_rows(cells: Sequence[Flowable | list[Flowable]], across: int) -> list[list[Flowable | list[Flowable] | str]]:
    filled: list[Flowable | list[Flowable] | str] = [*cells, *[""] * (-len(cells) % across)]
    return [filled[start : start + across] for start in range(0, len(filled), across)]


def after_visit(press: Press, patient: Patient) -> list[Flowable]:
    """What a patient takes home: tiles of values, medicines as blocks of directions, all beside a bar of advice."""
    advice: list[Flowable] = [
        line(press, "<b>Instructions</b>"),
        _small(press, press.pick(("Drink plenty of water.", "Walk for 30 minutes each day.", "Read the leaflets."))),
        Spacer(1, 8),
        line(press, "<b>What's Next</b>"),
        _small(press, "Follow-up visit with Dana Reed, MD<br/>Riverside Clinic, 2nd floor<br/>Call 555-0144"),
    ]
    main: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        main.append(heading(press, list_name))
        if list_name == "results":
            for day in _days(items):
                main.append(_small(press, escape(press.date(day))))
                some = [item for item in items if item.date == day]
                tiles = [[_small(press, escape(i.name)), line(press, f"<b>{escape(measured(i))}</b>")] for i in some]
                main.append(Table(_in_rows(tiles, 3), colWidths=[118.0] * 3, style=_TILES, hAlign="LEFT"))
        elif list_name == "medications":
            for item in items:
                take = press.pick(
                    ("Take 1 tablet by mouth daily.", "Take 2 times a day with food.", "Use as directed.")
                )
                main.append(line(press, f"<b>{escape(item.name)}</b>"))
                main.append(_small(press, take))
                if press.random.random() < 0.5:
                    main.append(_small(press, press.pick(("Quantity: 90, Refills: 3", "Last taken: this morning"))))
        elif list_name == "immunizations":
            main.append(_small(press, press.pick(("Given at this clinic or reported by you", "Name and date"))))
            main += [line(press, escape(f"{i.name}, {press.date(i.date)}" if i.date else i.name)) for i in items]
        else:
            mark = press.pick(("•", "-", ""))
            main += [line(press, f"{mark} {escape(item.name)}".strip()) for item in items]
        main.append(Spacer(1, 7))
    side = Table([[part] for part in advice], colWidths=[125.0])
    rows = [[side if not place else "", part] for place, part in enumerate(main)]
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
            ("SPAN", (0, 0), (0, min(9, len(rows) - 1))),
        ]
    )
    return [line(press, "<b>AFTER VISIT SUMMARY</b>"), Table(rows, colWidths=[135, 375], style=style, hAlign="LEFT")]


def hospital_letter(press: Press, patient: Patient) -> list[Flowable]:
    """A letter as hospitals on the continent write it: doses by time of day, results as one long line, dates ahead."""
    story: list[Flowable] = [
        line(press, "Dear colleague,"),
        line(press, "we report on the patient named above, who was in our care as an inpatient."),
        Spacer(1, 6),
    ]
    for list_name, items in shuffled(press, patient):
        label = escape(_title(press, list_name))
        if list_name == "medications":
            story.append(line(press, f"<b>{label}</b>"))
            scheme = [press.pick((("1", "0", "0", "0"), ("1", "0", "1", "0"), ("0", "0", "1", "0"))) for _ in items]
            if press.random.random() < 0.5:
                name = press.pick(words_of(press.edition).names[list_name])
                rows = [[name, "Morning", "Noon", "Evening", "Night"]]
                rows += [[item.name, *doses] for item, doses in zip(items, scheme, strict=True)]
                story.append(grid(press, rows, [230, 60, 60, 60, 60]))
            else:
                pairs = zip(items, scheme, strict=True)
                story += [line(press, escape(f"{item.name}  {'-'.join(doses[:3])}"), 10) for item, doses in pairs]
        elif list_name == "results":
            for day in _days(items):
                some = [f"{i.name} {measured(i)}{press.pick(('', '', ' (+)', ' (-)'))}" for i in items if i.date == day]
                story.append(line(press, f"<b>{label} {press.date(day)}:</b> {escape('; '.join(some))}"))
        elif list_name in {"allergies", "immunizations"}:
            texts = [f"{i.name} ({i.date[:4]})" if list_name == "immunizations" and i.date else i.name for i in items]
            story.append(line(press, f"<b>{label}:</b> {escape('; '.join(texts))}"))
        elif list_name == "procedures":
            story.append(line(press, f"<b>{label}</b>"))
            rows_of = [[line(press, press.date(item.date)), line(press, escape(item.name))] for item in items]
            story.append(Table(rows_of, colWidths=[95, 380], style=_TOP, hAlign="LEFT"))
        else:
            story.append(line(press, f"<b>{label}:</b>"))
            since = press.pick((" (first diagnosed {})", ", first diagnosed {}", " (since {})"))
            for item in items:
                when = since.format(item.date[:4]) if item.date and press.random.random() < 0.5 else ""
                story.append(line(press, escape(f"– {item.name}{when}"), 10))
        story.append(Spacer(1, 6))
    story.append(line(press, "<b>Course:</b> The stay was without complications. We discharged the patient home."))
    signed = [["Prof. M. Weber", "Dr S. Kurz"], ["Head of department", "Resident"]]
    return [*story, Spacer(1, 6), Table(signed, colWidths=[250, 250], hAlign="LEFT")]


def portal(press: Press, patient: Patient) -> list[Flowable]:
    """A portal's print: each test a block with its range drawn as a bar, each list with its count and dates in grey."""
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        count = f" ({len(items)})" if press.random.random() < 0.5 else ""
        story.append(Paragraph(escape(_title(press, list_name) + count), press.head))
        if list_name == "results":
            for item in items:
                story += _test_block(press, item)
        else:
            lead = press.pick(("", "Added ", "Recorded "))
            rows = [
                [line(press, escape(i.name)), _small(press, lead + press.date(i.date) if i.date else "")] for i in items
            ]
            story.append(Table(rows, colWidths=[360, 130], style=_UNDERLINED, hAlign="LEFT"))
        story.append(Spacer(1, 8))
    return [*story, _small(press, "Printed from your patient portal. Page 1")]


def _test_block(press: Press, item: Item) -> list[Flowable]:
    low, high = float(item.value) * 0.8, float(item.value) * 1.3
    said = press.pick(("Standard range: {} - {}", "Reference range {} to {}", "Normal: {}–{}"))
    bar = Drawing(200, 8)
    bar.add(Rect(0, 2, 200, 4, fillColor=colors.lightgrey, strokeColor=None))
    bar.add(Rect(50, 2, 100, 4, fillColor=colors.lightgreen, strokeColor=None))
    bar.add(Line(90, 0, 90, 8, strokeColor=colors.black))
    ends = Table([[_small(press, f"{low:.1f}"), _small(press, f"{high:.1f}")]], colWidths=[150, 50], hAlign="LEFT")
    return [
        line(press, f"<b>{escape(item.name)}</b>"),
        _small(press, escape(said.format(f"{low:.1f}", f"{high:.1f}") + f" {item.unit}")),
        bar,
        ends,
        line(press, f"{press.pick(('Value', 'Your value', 'Result'))}: <b>{escape(measured(item))}</b>"),
        _small(press, f"Collected {press.date(item.date)}"),
        Spacer(1, 4),
    ]


def admission(press: Press, patient: Patient) -> list[Flowable]:
    """A nurse's admission form: boxes ticked in three columns, small labels over values, yes and no in columns."""
    story: list[Flowable] = []
    words = words_of(press.edition)
    bar = TableStyle([("BACKGROUND", (0, 0), (-1, -1), colors.lightgrey)])
    for number, (list_name, items) in enumerate(shuffled(press, patient), start=1):
        title = Paragraph(escape(f"{number}. {_title(press, list_name)}"), press.head)
        story.append(Table([[title]], colWidths=[_WIDTH], style=bar, hAlign="LEFT"))
        if list_name == "conditions":
            asked = [other for other in _ASKED if other not in {item.name for item in items}]
            boxes = [f"{_TICKED} {escape(item.name)}" for item in items]
            boxes += [f"{_EMPTY} {other}" for other in press.random.sample(asked, 3)]
            press.random.shuffle(boxes)
            cells = [line(press, text) for text in boxes]
            story.append(Table(_in_rows(cells, 3), colWidths=[_WIDTH / 3] * 3, style=_TOP, hAlign="LEFT"))
        elif list_name == "results":
            for day in _days(items):
                cells = [line(press, f"Date taken: {press.date(day)}")]
                story += cells
                fields: list[Flowable | list[Flowable]] = [
                    [_small(press, escape(i.name)), line(press, escape(measured(i)))] for i in items if i.date == day
                ]
                story.append(Table(_in_rows(fields, 4), colWidths=[_WIDTH / 4] * 4, style=_BOXED, hAlign="LEFT"))
        elif list_name == "immunizations":
            rows = [[press.pick(words.names[list_name]), "Yes", "No", "Unsure", press.pick(words.times[list_name])]]
            given = [[escape(i.name), _TICKED, "", "", press.date(i.date)] for i in items]
            given += [[other, "", _TICKED, "", ""] for other in press.random.sample(_NOT_GIVEN, 2)]
            press.random.shuffle(given)
            cells_of = [[line(press, text) for text in row] for row in [*rows, *given]]
            story.append(Table(cells_of, colWidths=[210, 45, 45, 55, 130], style=_BOXED, hAlign="LEFT"))
        elif list_name == "allergies":
            story.append(line(press, f"Any allergies? {_TICKED} Yes &nbsp; {_EMPTY} No &nbsp;&nbsp; If yes, specify:"))
            story.append(line(press, escape(("; " if _has_comma(items) else ", ").join(i.name for i in items))))
        elif list_name == "medications":
            rows = [[press.pick(words.names[list_name]), "Last taken", "Brought in (Y/N)", "Sent home"]]
            rows += [[i.name, press.pick(("today", "yesterday")), press.pick(("Y", "N")), ""] for i in items]
            story.append(grid(press, rows, [230, 80, 100, 80]))
        else:
            rows = [[press.pick(words.times[list_name]), press.pick(words.names[list_name]), "Complications"]]
            rows += [[press.date(i.date), i.name, press.pick(("None", "No", ""))] for i in items]
            story.append(grid(press, rows, [110, 270, 110]))
        story.append(Spacer(1, 7))
    return [*story, line(press, "Admitting nurse: ____________ &nbsp;&nbsp; Valuables: none")]


def _has_comma(items: Sequence[Item]) -> bool:
    return any("," in item.name for item in items)


def registry(press: Press, patient: Patient) -> list[Flowable]:
    """A registry's print: doses with lot and site, what is due and was not given; lists with codes in the margin."""
    story: list[Flowable] = []
    words = words_of(press.edition)
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        if list_name == "immunizations":
            rows = [
                ["#", press.pick(words.names[list_name]), press.pick(words.times[list_name]), "Lot", "Site", "Valid"]
            ]
            for place, item in enumerate(items, start=1):
                lot = f"{press.pick('ABCU')}{press.random.randint(1000, 9999)}"
                rows.append([str(place), item.name, press.date(item.date), lot, press.pick(("LA", "RA", "LT")), "Y"])
            story += [grid(press, rows, [25, 220, 100, 55, 40, 40]), Spacer(1, 6)]
            story.append(line(press, f"<b>{press.pick(('Vaccines Due', 'Forecast', 'Recommended Next'))}</b>"))
            due = [["Vaccine", "Due on", "Status"]]
            due += [[other, "01/15/2027", "Overdue"] for other in press.random.sample(_NOT_GIVEN, 2)]
            story.append(grid(press, due, [245, 100, 80]))
        elif list_name in {"conditions", "procedures"}:
            rows_of = []
            for item in items:
                code = press.pick(_CODES) if list_name == "conditions" else str(press.random.randint(10021, 69990))
                rows_of.append(
                    [_small(press, code), line(press, escape(item.name)), line(press, press.date(item.date))]
                )
            story.append(Table(rows_of, colWidths=[55, 300, 110], style=_TOP, hAlign="LEFT"))
        elif list_name == "results":
            named = words.names[list_name], words.values, words.times[list_name]
            rows = [["Panel", *map(press.pick, named), "Lab"]]
            for item in items:
                rows.append(["", item.name, measured(item), press.date(item.date), "QD"])
            rows[1][0] = "Gen."
            story.append(grid(press, rows, [50, 190, 110, 100, 40]))
        else:
            names = [f"{i.name} ({press.date(i.date)})" if i.date else i.name for i in items]
            story.append(line(press, "<br/>".join(map(escape, names))))
        story.append(Spacer(1, 8))
    return [*story, _small(press, "State Immunization Information System. Confidential.")]


def plan(press: Press, patient: Patient) -> list[Flowable]:
    """A discharge plan: medicines in groups by what to do with them, numbered problems, results in lines by date."""
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        if list_name == "medications":
            acts = press.pick(
                (("CONTINUE taking", "CHANGE how you take", "START taking"), ("Unchanged", "Changed", "New"))
            )
            groups: dict[str, list[Item]] = {act: [] for act in acts}
            for item in items:
                groups[press.pick((acts[0], acts[0], acts[1], acts[2]))].append(item)
            for act, some in groups.items():
                story.append(line(press, f"<b>{act}</b>"))
                story += [line(press, f"{escape(i.name)} - {press.pick(('daily', 'twice daily'))}", 12) for i in some]
                if not some:
                    story.append(line(press, "None", 12))
            story += [
                line(press, f"<b>{'STOP taking' if 'taking' in acts[0] else 'Stopped'}</b>"),
                line(press, "None", 12),
            ]
        elif list_name == "results":
            for day in _days(items):
                figures = [f"{i.name} {measured(i)}" for i in items if i.date == day]
                story.append(line(press, escape(f"[{press.date(day)}] {'; '.join(figures)}")))
        elif list_name == "conditions":
            for number, item in enumerate(items, start=1):
                state = press.pick(("stable", "chronic, at goal", "improved"))
                code = press.pick(_CODES)
                story.append(line(press, escape(f"#{number} {item.name} [{code}] - {state}")))
        else:
            half = -(-len(items) // 2)
            texts = [line(press, escape(f"{i.name} {press.date(i.date)}".strip())) for i in items]
            pairs = [[left, right] for left, right in zip(texts[:half], [*texts[half:], ""], strict=False)]
            story.append(Table(pairs, colWidths=[245, 245], style=_TOP, hAlign="LEFT"))
        story.append(Spacer(1, 7))
    return [*story, line(press, "Diet: low salt. Activity: as tolerated. Call us if you feel worse.")]


PRINTS_LAYOUTS: Layouts = {
    "after visit": after_visit,
    "hospital letter": hospital_letter,
    "portal": portal,
    "admission": admission,
    "registry": registry,
    "plan": plan,
}
