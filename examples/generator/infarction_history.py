"""The long discharge summary, second part: reports of the stay and the history the clinic sent along."""

from __future__ import annotations

from reportlab.platypus import PageBreak

from examples.generator.charts import Chart
from examples.generator.immunization_records import PRINTED_VACCINES
from examples.generator.infarction_progress import write_progress
from examples.generator.infarction_stay import FACILITY, write_stay
from examples.generator.laboratory import trend_row
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet

_CLINIC = "Larch Hill Family Medicine"
_PHYSICIAN = "Annette Legros, MD"

#: What the doctor wrote at the visits of the bundle; the measurements are the bundle's.
_NOTES = {
    "2011-06-28": "New patient. No complaints. Denies {c-:chest pain} and {c-:fatigue}. Examination normal.",
    "2013-02-05": "{ch:Acute bronchitis} of last month has cleared. No {c-:wheezing}. Advised to stay off cigarettes.",
    "2015-02-10": "Feels well. {c:[Intermittent ]low back pain} after work, no {c-:sciatica}. {m:Ibuprofen|400 mg|by "
    "mouth|as needed}.",
    "2017-02-14": "{c:Essential hypertension} known since last year, home readings in range. Continues {m:lisinopril|"
    "10 mg|by mouth|once daily}. No {c-:dry cough^cough}. No {c-:lightheadedness}.",
    "2018-05-08": "{c:Type 2 diabetes mellitus} found on screening, {r:Hemoglobin A1c| |6.9|%}. Started {m:metformin|"
    "500 mg|by mouth|twice daily}. Denies {c-:polyuria} and {c-:blurred vision}. Foot examination without "
    "{c-:neuropathy}.",
    "2019-05-14": "{c:[Mild ]knee osteoarthritis^osteoarthritis} on the right. {c:Obesity} discussed, he wants to cut "
    "down on soft drinks. No {c-:retinopathy} on the eye examination of April. {r:Hemoglobin A1c| |7.2|%}.",
    "2020-05-19": "Works overtime, walks less. Denies {c-:chest pain}. {r:Hemoglobin A1c| |7.6|%}. Continues "
    "{m:atorvastatin|20 mg|by mouth|at bedtime}. Return in six months.",
}

_HOME = (
    ("09/07/2020", "2020-09-07", "138/86", "78", "before breakfast"),
    ("09/14/2020", "2020-09-14", "134/84", "75", "before breakfast"),
    ("09/21/2020", "2020-09-21", "141/88", "80", "after night shift, {c:headache}"),
    ("09/28/2020", "2020-09-28", "136/85", "77", "before breakfast"),
    ("10/05/2020", "2020-10-05", "139/87", "79", "no {c-:headache}"),
    ("10/12/2020", "2020-10-12", "144/90", "83", "forgot {m:lisinopril} the day before"),
    ("10/19/2020", "2020-10-19", "137/86", "76", "before breakfast"),
    ("10/26/2020", "2020-10-26", "142/89", "81", "{c:tiredness}"),
    ("11/02/2020", "2020-11-02", "145/91", "84", "{c:breathlessness[ on the stairs]}"),
)

_GIVEN = (
    ("11/09/2020 14:31", ("Aspirin", "324 mg", "by mouth", "once")),
    ("11/09/2020 14:35", ("Nitroglycerin", "0.4 mg", "sublingual", "every 5 minutes")),
    ("11/09/2020 15:02", ("Heparin", "4000 units", "intravenous", "once")),
    ("11/09/2020 15:10", ("Ondansetron", "4 mg", "intravenous", "every 8 hours as needed")),
    ("11/09/2020 21:00", ("Metoprolol tartrate", "25 mg", "by mouth", "every 12 hours")),
    ("11/09/2020 22:00", ("Atorvastatin", "80 mg", "by mouth", "at bedtime")),
    ("11/10/2020 07:05", ("Potassium chloride", "40 mEq", "by mouth", "once")),
    ("11/10/2020 09:10", ("Clopidogrel", "600 mg", "by mouth", "once")),
    ("11/10/2020 10:02", ("Midazolam", "1 mg", "intravenous", "once")),
    ("11/10/2020 10:02", ("Fentanyl", "50 mcg", "intravenous", "once")),
    ("11/11/2020 08:00", ("Aspirin", "81 mg", "by mouth", "once daily")),
    ("11/11/2020 08:00", ("Clopidogrel", "75 mg", "by mouth", "once daily")),
    ("11/11/2020 08:00", ("Pantoprazole", "40 mg", "by mouth", "once daily")),
    ("11/12/2020 08:00", ("Lisinopril", "20 mg", "by mouth", "once daily")),
    ("11/12/2020 21:00", ("Acetaminophen", "650 mg", "by mouth", "every 6 hours as needed")),
)


def discharge_summary(chart: Chart) -> tuple[bytes, Sheet]:
    """Twelve pages: the stay, its reports, and seven years of the clinic's chart."""
    sheet = Sheet()
    page = Composer(sheet, Look(size=10.9))
    write_stay(page, chart)
    page.add(PageBreak())
    _catheter_report(page)
    _consultation(page)
    _administration(page)
    page.add(PageBreak())
    write_progress(page)
    page.add(PageBreak())
    _clinic_chart(page, chart)
    pdf = build(
        page,
        footer=f"{FACILITY} - Confidential patient information",
        running=f"{chart.name_reversed}   MRN {chart.mrn}   DOB {chart.us()}   Discharge summary 11/13/2020",
    )
    return pdf, sheet


def _catheter_report(page: Composer) -> None:
    page.title("CARDIAC CATHETERIZATION REPORT")
    page.facts(
        [
            ("Date:", "11/10/2020 09:48", "Operator:", "Owen Tamura, MD"),
            ("Access:", "Right radial artery, 6 French", "Contrast:", "Iohexol 145 mL"),
        ],
        boxed=False,
    )
    page.sheet.medication("Iohexol", "145 mL")
    page.labelled("Indication:", "{c:Non-ST elevation myocardial infarction}.")
    page.labelled(
        "Procedures:", "{p:Coronary angiography|2020-11-10}; {p:percutaneous coronary intervention|2020-11-10}."
    )
    page.heading("Findings")
    page.bullets(
        [
            "Left main: no {c-:stenosis^obstruction}.",
            "Left anterior descending: {c:85% stenosis of the mid segment^stenosis^85% stenosis^stenosis of the mid "
            "segment}.",
            "Circumflex: {c:30% narrowing^narrowing}, smooth.",
            "Right coronary: dominant, {c:[diffuse ]atherosclerosis}, nothing to treat.",
        ]
    )
    page.heading("Intervention")
    page.prose(
        "After {m:heparin|7000 units|intravenous|once} a 3.0 x 22 mm everolimus-eluting stent was placed at 14 "
        "atmospheres. The flow was normal at the end and no {c-:dissection} was seen. Fluoroscopy 11.2 minutes."
    )
    page.heading("Plan")
    page.prose(
        "{m:Aspirin|81 mg|by mouth|once daily} for life and {m:clopidogrel|75 mg|by mouth|once daily} for twelve "
        "months. Hydrate overnight and repeat the creatinine in the morning."
    )
    page.signature("Owen Tamura, MD", "11/10/2020 at 11:26")
    page.gap(10)


def _consultation(page: Composer) -> None:
    page.title("NUTRITION CONSULTATION")
    page.facts(
        [
            ("Date:", "11/12/2020", "Consultant:", "Renee Oduya, RD"),
            ("Ordered by:", "Priya Raman, MD", "Unit:", "4 West"),
        ],
        boxed=False,
    )
    page.prose(
        "Reason: {c:type 2 diabetes mellitus} above goal and {c:obesity}. He skips breakfast and eats out four times a "
        "week. He reports {c:[increased ]thirst} since the summer. He denies {c-:nocturia} and {c-:foot pain}. "
        "He has never had {ch-:diabetic ketoacidosis} or {ch-:pancreatitis}."
    )
    page.prose(
        "{v:Weight| |212|pounds}, {v:height| |71|inches}. Agreed on three meals a day with 45 g of carbohydrate each, "
        "water in place of soft drinks, and a glucose check before breakfast. He should look out for {c~:hypoglycemia}."
    )
    page.signature("Renee Oduya, RD", "11/12/2020 at 14:05")
    page.gap(10)


def _administration(page: Composer) -> None:
    page.title("MEDICATION ADMINISTRATION RECORD")
    page.prose("Every first dose and every change of dose during the stay.")
    rows = [[when, *page.sheet.medication(*medicine)] for when, medicine in _GIVEN]
    page.table(("Given at", "Medication", "Dose", "Route", "Frequency"), rows, (1.5, 1.8, 1.0, 1.1, 1.6), ruled=False)


def _clinic_chart(page: Composer, chart: Chart) -> None:
    page.letterhead(_CLINIC, "12 Market Square, Newburyport, MA 01950 | Tel 978-555-0117", centered=True)
    page.title("CHART ABSTRACT SENT WITH THE DISCHARGE SUMMARY")
    page.heading("Problem list", ruled=True)
    rows = [["{c:Essential hypertension}", "2016", "Active"], ["{c:Hyperlipidemia}", "2016", "Active"]]
    rows += [["{c:Type 2 diabetes mellitus}", "05/08/2018", "Active"]]
    rows += [[f"{{ch:{name}}}", chart.us(onset), f"Resolved {chart.us(end)}"] for name, onset, end in chart.conditions]
    page.table(("Problem", "Onset", "Status"), rows, (3.4, 1.6, 2.0))
    page.heading("Visits", ruled=True)
    for day, note in _NOTES.items():
        _visit(page, chart, day, note)
    page.heading("Laboratory history", ruled=True)
    _laboratory_history(page, chart)
    page.heading("Immunizations", ruled=True)
    doses = [[chart.us(day), page.sheet.immunization(PRINTED_VACCINES[name], day)] for day, name in chart.vaccines]
    page.table(("Date given", "Vaccine"), doses, (1.6, 5.4))
    page.heading("Procedures", ruled=True)
    page.bullets(
        [
            f"{chart.us(day)}: {{p:{name}|{day}}}"
            for day, name in chart.procedures
            if not name.startswith("Documentation")
        ]
    )
    _home_log(page)
    page.signature(_PHYSICIAN, "11/13/2020 at 10:05", role="Abstract released by")


def _home_log(page: Composer) -> None:
    page.heading("Home blood pressure log, autumn 2020", ruled=True)
    rows = []
    for printed, day, pressure, pulse, remark in _HOME:
        page.sheet.blood_pressure(pressure, "mmHg", day)
        page.sheet.result("Pulse", pulse, "bpm", "vital", day)
        rows.append([printed, pressure, pulse, remark])
    page.table(("Date", "BP (mmHg)", "Pulse (bpm)", "Remark"), rows, (1.4, 1.2, 1.2, 3.2))
    page.prose("The patient kept the log himself with an upper-arm device that the clinic checked in May.")


def _visit(page: Composer, chart: Chart, day: str, note: str) -> None:
    page.sheet.encounter("Office visit", day, None, _PHYSICIAN, _CLINIC)
    page.labelled(f"{chart.us(day)}  Office visit, {_PHYSICIAN}.", note)
    pressure = chart.blood_pressure(day)
    page.sheet.blood_pressure(pressure, "mmHg", day)
    parts = [f"BP {pressure} mmHg"]
    for label, key, unit in (("Weight", "weight", "kg"), ("Height", "height", "cm"), ("BMI", "bmi", "kg/m2")):
        printed = chart.value(key, day)
        page.sheet.result(label, printed, unit, "vital", day)
        parts.append(f"{label} {printed} {unit}")
    page.prose("; ".join(parts))


def _laboratory_history(page: Composer, chart: Chart) -> None:
    for title, keys in (
        ("Lipids", ("cholesterol", "triglycerides", "hdl", "ldl")),
        ("Blood count", ("wbc", "rbc", "hemoglobin", "hematocrit", "mcv", "mch", "mchc", "platelets", "mpv")),
    ):
        days = sorted(chart.measured[keys[0]])
        rows = [trend_row(page.sheet, key, [(day, chart.measured[key][day]) for day in days]) for key in keys]
        head = (title, "Unit", "Reference", *(chart.us(day) for day in days))
        page.table(head, rows, (1.7, 1.1, 1.2, *[1.0] * len(days)))
