"""The discharge summary of an emergency visit: labels and short prose, two pages for the scanner."""

from __future__ import annotations

from examples.generator.charts import Chart
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet

_HOSPITAL = "Quinsigamond Community Hospital"


def ankle_discharge(chart: Chart) -> tuple[bytes, Sheet]:
    """Two pages: the ankle sprain of the bundle, with a reaction to a medicine and a night's stay made up."""
    sheet = Sheet()
    page = Composer(sheet, Look(size=11.6))
    page.letterhead(_HOSPITAL, "910 Lake Avenue, Worcester, MA 01604 | Tel 508-555-0119")
    page.title("DISCHARGE SUMMARY")
    sheet.encounter("Emergency visit with observation", "2012-10-17", "2012-10-18", "Racquel Hegmann, MD", _HOSPITAL)
    page.facts(
        [
            ("Patient:", chart.name_reversed, "MRN:", chart.mrn),
            ("DOB:", chart.us(), "Sex:", chart.sex.capitalize()),
            ("Admitted:", "10/17/2012", "Discharged:", "10/18/2012"),
            ("Attending:", "Racquel Hegmann, MD", "Unit:", "Emergency observation"),
        ]
    )
    page.labelled("Diagnosis:", "{c:Sprain of ankle^ankle sprain}, left, grade 2. {c:Drug rash^rash}.")
    page.labelled("Allergies:", "{a:Ibuprofen} (rash, this visit). {a:Peanut} (vomiting).")
    page.heading("History", ruled=True)
    page.prose(
        "17-year-old who twisted his left ankle at basketball practice. He has {c:ankle pain} and {c:ankle swelling} "
        "and cannot bear weight. He denies {c-:knee pain}, {c-:numbness} and {c-:head injury}. In triage he was given "
        "{m:ibuprofen|600 mg|by mouth|once} and half an hour later developed {c:itching} and a {c:rash[ on the trunk]"
        "}. There was no {c-:wheezing}, no {c-:throat tightness} and no {c-:vomiting}."
    )
    page.prose(
        "Past history: {ch:sprain of ankle^ankle sprain} in September 2011. No history of {ch-:asthma}, {ch-:diabetes} "
        "or {ch-:seizures}. Family history: father has {cf:hypertension}, grandmother had {cf:breast cancer}. No "
        "regular medications. Does not smoke."
    )
    page.heading("Vital signs on arrival", ruled=True)
    for label, value, unit in (
        ("Heart rate", "96", "bpm"),
        ("Respiratory rate", "18", "/min"),
        ("Temperature", "98.7", "°F"),
        ("Oxygen saturation", "99", "%"),
        ("Weight", "62.3", "kg"),
    ):
        sheet.result(label, value, unit, "vital", "2012-10-17")
        page.labelled(f"{label}:", f"{value} {unit}".replace(" %", "%"))
    sheet.blood_pressure("124/76", "mmHg", "2012-10-17")
    page.labelled("Blood pressure:", "124/76 mmHg")
    page.heading("Examination", ruled=True)
    page.prose(
        "{c:[Lateral ]malleolar tenderness^tenderness} and {c:[marked ]ankle swelling} on the left. {c:Ecchymosis} "
        "below the malleolus. No {c-:deformity}. Pulses present. No {c-:foot drop}. Skin: "
        "{c:urticaria[ on chest and back]}. No {c-:angioedema}. Lungs clear, no {c-:stridor}."
    )
    page.heading("Laboratory", ruled=True)
    for name, value, unit in (
        ("WBC", "9.8", "10^3/uL"),
        ("Hemoglobin", "13.1", "g/dL"),
        ("Platelet count", "274", "10^3/uL"),
        ("Creatinine", "0.82", "mg/dL"),
        ("Potassium", "4.0", "mmol/L"),
    ):
        sheet.result(name, value, unit, "laboratory", "2012-10-17")
        page.labelled(f"{name}:", f"{value} {unit}")
    page.heading("Procedures and imaging", ruled=True)
    page.bullets(
        [
            "{p:X-ray of left ankle|2012-10-17}, 10/17/2012: {c:soft tissue swelling^swelling}. No {c-:fracture}. "
            "No {c-:dislocation}.",
            "{p:Splint application|2012-10-17}, 10/17/2012, left leg.",
        ]
    )
    page.heading("Course", ruled=True)
    page.prose(
        "He received {m:diphenhydramine|50 mg|intravenous|once} and {m:prednisone|40 mg|by mouth|once}. The {c:rash} "
        "faded within three hours. He was watched overnight without {c-:hives}. The {c:pain} was controlled with "
        "{m:acetaminophen|650 mg|by mouth|every 6 hours}. He walks with crutches."
    )
    page.heading("Discharge medications", ruled=True)
    page.bullets(
        [
            "{m:Acetaminophen|500 mg|by mouth|every 6 hours as needed}",
            "{m:Cetirizine|10 mg|by mouth|once daily} for 5 days",
            "{m:Epinephrine auto-injector|0.3 mg|intramuscular|as needed}",
        ],
        numbered=True,
    )
    page.heading("Instructions", ruled=True)
    page.prose(
        "Rest, ice and elevation. Keep the splint dry. Return for {c~:numbness} of the toes, {c~:trouble breathing} or "
        "{c~:facial swelling}. Orthopedic clinic in one week. No sports for six weeks."
    )
    page.signature("Racquel Hegmann, MD", "10/18/2012 at 10:20")
    return build(page, footer=_HOSPITAL, running=f"{chart.name_reversed}  MRN {chart.mrn}  DOB {chart.us()}"), sheet
