"""Vital signs: a landscape flowsheet of one day in hospital, and a child's growth record visit by visit."""

from __future__ import annotations

from reportlab.lib.pagesizes import landscape, letter

from examples.generator.charts import Chart
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet

_DAY = "2020-11-10"
_HOURS = ("00:00", "04:00", "08:00", "11:30", "12:00", "16:00", "20:00")
_ROWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Blood pressure", "mmHg", ("138/84", "134/80", "136/82", "121/70", "124/74", "126/78", "130/80")),
    ("Heart rate", "bpm", ("86", "79", "84", "77", "74", "73", "76")),
    ("Respiratory rate", "/min", ("18", "16", "17", "14", "15", "16", "16")),
    ("Temperature", "°F", ("98.6", "98.5", "98.9", "98.1", "98.3", "98.8", "98.7")),
    ("SpO2", "%", ("96", "95", "97", "98", "97", "97", "96")),
    ("Pain score", "", ("2", "0", "1", "0", "3", "2", "0")),
    ("Blood glucose", "mg/dL", ("", "", "187", "", "171", "164", "159")),
    ("Weight", "kg", ("", "", "97.2", "", "", "", "")),
)
#: Head circumference (cm) and heart rate (bpm) of the eight visits; the bundle has neither.
_INFANT = (
    ("34.6", "138"),
    ("36.4", "142"),
    ("39.2", "134"),
    ("41.5", "130"),
    ("43.6", "126"),
    ("45.0", "124"),
    ("46.1", "120"),
    ("46.9", "118"),
)
#: What is measured with a strip or a laboratory's device stays a laboratory value, wherever it is printed.
_LABORATORY = frozenset({"Blood glucose"})


def hospital_day(chart: Chart) -> tuple[bytes, Sheet]:
    """One landscape page: a row per sign, a column per hour."""
    sheet = Sheet()
    page = Composer(sheet, Look(size=10))
    page.letterhead("Merrimack Valley General Hospital", "400 Larch Hill Road, Newburyport, MA 01950 | 4 West")
    page.title("VITAL SIGNS FLOWSHEET")
    page.facts(
        [
            ("Patient:", chart.name_reversed, "Date:", "11/10/2020"),
            ("DOB:", chart.us(), "MRN:", chart.mrn),
            ("Sex:", chart.sex.capitalize(), "Bed:", "412-B"),
        ]
    )
    rows = []
    for name, unit, values in _ROWS:
        for hour, value in zip(_HOURS, values, strict=True):
            if not value:
                continue
            when = f"{_DAY}T{hour}"
            if "/" in value:
                sheet.blood_pressure(value, unit, when)
            else:
                sheet.result(name, value, unit, "laboratory" if name in _LABORATORY else "vital", when)
        rows.append([name, unit, *values])
    page.table(("Vital sign", "Unit", *_HOURS), rows, (1.6, 0.8, *[1.0] * len(_HOURS)))
    page.heading("Nurse's notes")
    page.bullets(
        [
            "03:10: {c:Palpitations} for one minute, resident called.",
            "11:30: Back from the catheter laboratory. Right wrist band in place, no {c-:bleeding}.",
            "12:00: {c:[Mild ]wrist pain}. {m:Acetaminophen|650 mg|by mouth|once}.",
            "20:00: Resting. Denies {c-:chest pain} and {c-:nausea}.",
        ]
    )
    page.prose("Recorded by: Tessa Lindqvist, RN (day); Omar Castellan, RN (night)")
    return build(page, footer="Merrimack Valley General Hospital", page_size=landscape(letter)), sheet


def growth_record(chart: Chart) -> tuple[bytes, Sheet]:
    """Two pages of key-value lines: every well-child visit of the bundle."""
    sheet = Sheet()
    page = Composer(sheet, Look(size=11))
    page.letterhead("Plum Cove Pediatrics", "5 Beach Road, Manchester-by-the-Sea, MA 01944 | Tel 978-555-0126")
    page.title("VITAL SIGNS AND GROWTH RECORD")
    page.facts(
        [
            ("Child:", chart.name_reversed, "Date of birth:", chart.us()),
            ("MRN:", chart.mrn, "Sex:", chart.sex.capitalize()),
            ("Provider:", "Erlinda Franecki, MD", "Printed:", "11/24/2020"),
        ]
    )
    for day, (head, pulse) in zip(sorted(chart.measured["weight"]), _INFANT, strict=True):
        sheet.encounter("Well-child visit", day, None, "Erlinda Franecki, MD", "Plum Cove Pediatrics")
        page.heading(f"{chart.us(day)}  Well-child visit", ruled=True)
        for label, key, unit, digits in (("Weight", "weight", "kg", 2), ("Length", "height", "cm", 1)):
            printed = chart.value(key, day, digits)
            sheet.result(label, printed, unit, "vital", day)
            page.labelled(f"{label}:", f"{printed} {unit}")
        for label, printed, unit in (("Head circumference", head, "cm"), ("Heart rate", pulse, "bpm")):
            sheet.result(label, printed, unit, "vital", day)
            page.labelled(f"{label}:", f"{printed} {unit}")
    page.heading("Remarks", ruled=True)
    page.prose(
        "Growth follows the curve. {c:Viral sinusitis} on 11/24/2020. No {c-:developmental delay}. "
        "{a-:No known allergies}."
    )
    page.signature("Erlinda Franecki, MD", "11/24/2020")
    running = f"{chart.name_reversed}  MRN {chart.mrn}  DOB {chart.us()}"
    return build(page, footer="Plum Cove Pediatrics", running=running), sheet
