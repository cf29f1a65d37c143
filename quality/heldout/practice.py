"""Prints a patient in five more kinds of document: discharge letter, paired cards, bars, nested lists, jottings."""

from __future__ import annotations

from xml.sax.saxutils import escape

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph, Preformatted, Spacer, Table, TableStyle

from quality.heldout.clinic import heading, line, measured
from quality.heldout.layouts import Layouts, Press, shuffled
from quality.heldout.patients import Patient
from quality.heldout.phrases import phrases_of
from quality.heldout.words import words_of


def discharge(press: Press, patient: Patient) -> list[Flowable]:
    """A discharge letter: numbered headings, numbered lists, directions behind medicines, results in brackets."""
    he = "He" if patient.sex == "male" else "She"
    story: list[Flowable] = [
        line(press, press.pick(("Dear Doctor,", "To the General Practitioner,"))),
        line(press, f"{he} was discharged home today in a stable condition."),
        Spacer(1, 6),
    ]
    numbered = press.random.random() < 0.5
    for place, (list_name, items) in enumerate(shuffled(press, patient), start=1):
        title = press.pick(words_of(press.edition).headings[list_name]).rstrip(":")
        story.append(Paragraph(escape(f"{place}. {title}" if numbered else title.upper()), press.head))
        for number, item in enumerate(items, start=1):
            lead = f"({chr(96 + number)}) " if numbered and number < 20 else f"{number}. "
            text = item.name
            if list_name == "medications":
                text += press.pick((" - one daily", " twice a day", ", take as directed", " PO daily", ""))
            elif list_name == "results":
                text += f" {measured(item)}" + press.pick((f" ({press.date(item.date)})", ""))
            elif list_name == "allergies":
                text += press.pick(("", " (rash)", " - unknown reaction"))
            elif item.date:
                text += press.pick((f", {press.date(item.date)}", f" ({item.date[:4]})", ""))
            story.append(line(press, escape(lead + text), 10))
        story.append(Spacer(1, 7))
    return [*story, line(press, press.pick(("Follow up with your GP in two weeks.", "No further follow up planned.")))]


def paired_cards(press: Press, patient: Patient) -> list[Flowable]:
    """Cards of keys and values, two side by side."""
    story: list[Flowable] = []
    words = words_of(press.edition)
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        name, dated = press.pick(words.names[list_name]), press.pick(words.times[list_name])
        value = press.pick(words.values)
        cards: list[list[Flowable]] = []
        for item in items:
            pairs = [(name, item.name), (dated, press.date(item.date))]
            if list_name == "results":
                pairs.insert(1, (value, measured(item)))
            cards.append([line(press, f"<b>{escape(key)}:</b> {escape(text)}") for key, text in pairs if text])
        pairs_of_cards = [[left, right] for left, right in zip(cards[::2], [*cards[1::2], []], strict=False)]
        style = TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("BOTTOMPADDING", (0, 0), (-1, -1), 5)])
        story += [Table(pairs_of_cards, colWidths=[250, 250], style=style, hAlign="LEFT"), Spacer(1, 7)]
    return story


def piped(press: Press, patient: Patient) -> list[Flowable]:
    """A print-out of another system: fields parted by bars, with or without a line that names them."""
    lines: list[str] = []
    words = words_of(press.edition)
    for list_name, items in shuffled(press, patient):
        lines += ["", press.pick(words.headings[list_name]).upper().rstrip(":"), "-" * 30]
        if press.random.random() < 0.6:
            named = [press.pick(words.names[list_name]), press.pick(words.times[list_name])]
            if list_name == "results":
                named[1:1] = [press.pick(words.values), press.pick(words.units)]
            lines.append(" | ".join(named))
        for item in items:
            fields = [item.name, press.date(item.date)]
            if list_name == "results":
                fields[1:1] = [item.value, item.unit]
            lines.append(" | ".join(fields))
    size = min(9.0, 520 / (0.6 * max(map(len, lines))))
    return [Preformatted("\n".join(lines), ParagraphStyle("p", fontName="Courier", fontSize=size, leading=size * 1.2))]


def nested(press: Press, patient: Patient) -> list[Flowable]:
    """Bullets with details as bullets of their own below them."""
    story: list[Flowable] = []
    outer, inner = press.pick((("•", "–"), ("■", "•"), ("*", "-"), ("•", "◦")))
    if press.plain == "Courier":
        outer, inner = "*", "-"
    for list_name, items in shuffled(press, patient):
        story.append(heading(press, list_name))
        for item in items:
            more = f": {measured(item)}" if list_name == "results" else ""
            story.append(line(press, escape(f"{outer} {item.name}{more}")))
            dated = press.pick(("Date", "Recorded", "On", "Since"))
            details = [f"{dated}: {press.date(item.date)}"] if item.date else []
            if list_name == "medications":
                details.append(press.pick(("Take by mouth once daily", "Route: oral", "1 tablet every morning")))
            if list_name == "allergies":
                details.append(press.pick(("Reaction: hives", "Severity: moderate", "Reaction: not known")))
            if list_name == "conditions":
                details.append(press.pick(("Status: active", "Managed in primary care")))
            story += [line(press, escape(f"{inner} {detail}"), 16) for detail in details]
        story.append(Spacer(1, 7))
    return story


def jottings(press: Press, patient: Patient) -> list[Flowable]:
    """A clinician's short hand: a label, then everything on one line, parted by commas, slashes or semicolons."""
    usual = {
        "conditions": ("PMHx", "PMH", "Dx", "Hx", "Probs"),
        "medications": ("Rx", "Meds", "DHx", "Current Rx"),
        "allergies": ("All", "Allergies", "ADRs", "Allx"),
        "results": ("Ix", "Labs", "Bloods", "O/E + Ix", "Obs/Labs"),
        "procedures": ("PSHx", "PSH", "Procs", "Px"),
        "immunizations": ("Imms", "Vax", "Vaccs", "Imms UTD"),
    }
    labels = phrases_of(press.edition, "jottings", usual)
    mark = press.pick((": ", " - ", " = "))
    story: list[Flowable] = []
    for list_name, items in shuffled(press, patient):
        names = [f"{i.name} {measured(i)}" if list_name == "results" else i.name for i in items]
        part = press.pick(("; ", " / ", ", "))
        if part == ", " and any("," in name for name in names):
            part = "; "
        if part == " / " and any("/" in name for name in names):
            part = "; "
        story += [line(press, escape(press.pick(labels[list_name]) + mark + part.join(names))), Spacer(1, 4)]
    return story


PRACTICE_LAYOUTS: Layouts = {
    "discharge": discharge,
    "paired cards": paired_cards,
    "piped": piped,
    "nested": nested,
    "jottings": jottings,
}
