"""Laboratory reports: one ruled and digital, one in plain columns for the scanner."""

from __future__ import annotations

from examples.generator.charts import Chart
from examples.generator.laboratory import report_rows
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet

_COUNT = ("wbc", "rbc", "hemoglobin", "hematocrit", "mcv", "mch", "mchc", "platelets", "mpv")
_DIPSTICK = (
    ("Urine protein", "Trace", "Negative"),
    ("Urine ketones", "Negative", "Negative"),
    ("Urine nitrite", "Negative", "Negative"),
    ("Leukocyte esterase", "Negative", "Negative"),
)
_HEAD = ("Test", "Result", "Flag", "Reference range", "Units")


def ruled_report(chart: Chart) -> tuple[bytes, Sheet]:
    """Two pages of panels in a ruled table; blood count of the bundle's last visit, chemistry made up."""
    day = "2020-05-19"
    sheet = Sheet()
    page = Composer(sheet, Look(size=9.6))
    page.letterhead("Seacoast Clinical Laboratory", "88 Harbor Park, Portsmouth, NH 03801 | CLIA 30D0000000")
    page.title("LABORATORY REPORT")
    page.facts(
        [
            ("Patient:", chart.name_reversed, "Accession:", "S20-140-0917"),
            ("Date of birth:", chart.us(), "Sex:", chart.sex.capitalize()),
            ("MRN:", chart.mrn, "Ordered by:", "Annette Legros, MD"),
            ("Collected:", f"{chart.us(day)} 08:12", "Reported:", "05/20/2020 06:40"),
            ("Specimen:", "Whole blood, serum, urine", "Fasting:", "Yes, 11 hours"),
        ]
    )
    panels: dict[str, list[tuple[str, float]]] = {
        "COMPLETE BLOOD COUNT": [(key, chart.measured[key][day]) for key in _COUNT],
        "COMPREHENSIVE METABOLIC PANEL": [
            ("glucose", 151), ("bun", 17), ("creatinine", 1.04), ("sodium", 139), ("potassium", 4.4),
            ("chloride", 103), ("bicarbonate", 25), ("calcium", 9.4), ("protein", 7.1), ("albumin", 4.5),
            ("bilirubin", 0.6), ("alp", 74), ("ast", 31), ("alt", 52),
        ],
        "LIPID PANEL": [("cholesterol", 219), ("triglycerides", 188), ("hdl", 38), ("ldl", 143)],
        "DIABETES AND THYROID": [("a1c", 7.6), ("tsh", 2.31)],
        "INFLAMMATION AND IRON": [("crp", 4.2), ("ferritin", 211), ("magnesium", 2.0)],
        "URINALYSIS": [("gravity", 1.018), ("ph", 6.0), ("albumin_urine", 41), ("microalbumin_ratio", 34)],
    }  # fmt: skip
    rows: list[list[str]] = []
    for title, values in panels.items():
        rows.append([title])
        rows += report_rows(sheet, values, day)
    for name, value, expected in _DIPSTICK:
        sheet.result(name, value, "", "laboratory", day)
        rows.append([name, value, "" if value == expected else "A", expected, ""])
    page.table(_HEAD, rows, (2.6, 1.0, 0.7, 1.6, 1.2))
    page.prose("A = abnormal. H = above the reference range. L = below the reference range. Ranges are for adult men.")
    page.heading("Comment")
    page.prose(
        "Hemoglobin A1c of 6.5% or more on two occasions is consistent with diabetes according to current guidelines; "
        "interpret with the clinical findings."
    )
    page.signature("Karin Sobol, MD, Laboratory director", "05/20/2020 at 06:40", role="Released by")
    running = f"{chart.name_reversed}   DOB {chart.us()}   MRN {chart.mrn}"
    return build(page, footer="Seacoast Clinical Laboratory - final report", running=running), sheet


def plain_report(chart: Chart) -> tuple[bytes, Sheet]:
    """Two pages without rules in a typewriter face: the bundle's blood count of 2018, chemistry made up."""
    day = "2018-06-22"
    sheet = Sheet()
    page = Composer(sheet, Look(font="Courier", bold="Courier-Bold", size=9.8))
    page.letterhead("ASSABET REGIONAL LABORATORY", "19 Mill Street, Hudson, MA 01749   Tel 978-555-0162", centered=True)
    page.facts(
        [
            ("Patient:", chart.name, "Lab no.:", "A18-77120"),
            ("DOB:", chart.us(), "Sex:", chart.sex[0].upper()),
            ("MRN:", chart.mrn, "Physician:", "G. Greenfelder, MD"),
            ("Collected:", chart.us(day), "Received:", chart.us(day)),
        ],
        boxed=False,
    )
    sections: dict[str, list[tuple[str, float]]] = {
        "HEMATOLOGY": [(key, chart.measured[key][day]) for key in _COUNT] + [("eosinophils", 7.4)],
        "CHEMISTRY": [
            ("glucose", 92), ("bun", 14), ("creatinine", 0.91), ("sodium", 141), ("potassium", 3.9),
            ("chloride", 105), ("bicarbonate", 27), ("calcium", 9.1), ("ast", 22), ("alt", 27),
        ],
        "LIPIDS": [("cholesterol", 187), ("triglycerides", 133), ("hdl", 51), ("ldl", 109)],
        "ALLERGY AND INFLAMMATION": [("ige", 268), ("crp", 11.6), ("ferritin", 29)],
        "THYROID AND COAGULATION": [("tsh", 1.87), ("inr", 1.0)],
    }  # fmt: skip
    for title, values in sections.items():
        page.heading(title)
        page.table(_HEAD, report_rows(sheet, values, day), (2.4, 0.9, 0.7, 1.6, 1.3), ruled=False)
    page.heading("REMARKS")
    page.prose(
        "Sample not hemolyzed. Total IgE repeated and confirmed. A raised value is seen in people with allergies; "
        "it does not exclude other causes. Please call the laboratory with questions about these results."
    )
    page.signature("M. Delacroix, PhD", "06/23/2018", role="Verified by")
    running = f"{chart.name}   DOB {chart.us()}   Lab no. A18-77120"
    return build(page, footer="Assabet Regional Laboratory", running=running), sheet
