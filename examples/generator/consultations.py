"""Consultation notes: a two-column one from cardiology, and a one-page allergy note for the phone's camera."""

from __future__ import annotations

from reportlab.platypus import FrameBreak

from examples.generator.charts import Chart
from examples.generator.layout import Composer, Look, build
from examples.generator.truth import Sheet


def cardiology_columns(chart: Chart) -> tuple[bytes, Sheet]:
    """Two columns under a full-width head."""
    sheet = Sheet()
    page = Composer(sheet, Look(size=9.7))
    page.letterhead("Merrimack Cardiology Group", "22 Ferry Landing, Newburyport, MA 01950 | Tel 978-555-0171")
    page.title("CARDIOLOGY CONSULTATION")
    sheet.encounter("Cardiology consultation", "2020-12-04", None, "Owen Tamura, MD", "Merrimack Cardiology Group")
    page.facts(
        [
            ("Patient:", chart.name, "Visit date:", "12/04/2020"),
            ("Date of birth:", chart.us(), "Sex:", chart.sex.capitalize()),
            ("MRN:", chart.mrn, "Cardiologist:", "Owen Tamura, MD"),
            ("Referred by:", "Annette Legros, MD", "Visit:", "First after stent"),
        ]
    )
    page.add(FrameBreak())
    page.heading("REASON FOR CONSULTATION")
    page.prose("Follow-up of {c:coronary artery disease} three weeks after a stent.")
    page.heading("HISTORY")
    page.prose(
        "Mr. Dietrich had a {ch:non-ST elevation myocardial infarction} on 11/09/2020. He has had no {c-:chest pain} "
        "since and climbs two flights without {c-:dyspnea}. He reports {c:[easy ]bruising} on both arms and "
        "{c:fatigue} in the first week. He denies {c-:palpitations}, {c-:syncope}, {c-:orthopnea}, {c-:melena} and "
        "{c-:leg swelling}."
    )
    page.heading("PAST MEDICAL HISTORY")
    page.bullets(
        [
            "{c:Essential hypertension}",
            "{c:Type 2 diabetes mellitus}",
            "{c:Hyperlipidemia}",
            "{ch:Kidney stones}, 2009",
            "No history of {ch-:atrial fibrillation}",
        ]
    )
    page.heading("FAMILY HISTORY")
    page.prose(
        "Father: {cf:myocardial infarction} at 54. Brother: {cf:type 2 diabetes mellitus}. Mother: no "
        "{cf-:heart disease}."
    )
    page.heading("SOCIAL HISTORY")
    page.prose("Former smoker, stopped in 2009. Two beers on weekends. No illicit drug use.")
    page.heading("MEDICATIONS")
    page.bullets(
        [
            "{m:Aspirin|81 mg|PO|daily}",
            "{m:Clopidogrel|75 mg|PO|daily}",
            "{m:Metoprolol succinate|50 mg|PO|daily}",
            "{m:Atorvastatin|80 mg|PO|nightly}",
            "{m:Lisinopril|20 mg|PO|daily}",
            "{m:Metformin|1000 mg|PO|BID}",
            "{m:Nitroglycerin|0.4 mg|SL|PRN}",
        ]
    )
    page.heading("ALLERGIES")
    page.prose("{a:Sulfamethoxazole-trimethoprim}: rash. {a:Latex}: itching.")
    page.heading("VITAL SIGNS")
    page.labelled("BP:", "{bp:126/78|mmHg}")
    for label, value, unit in (("Pulse", "62", "bpm"), ("SpO2", "98", "%"), ("Weight", "95.1", "kg")):
        sheet.result(label, value, unit, "vital", None)
        page.labelled(f"{label}:", f"{value} {unit}".replace(" %", "%"))
    page.heading("EXAMINATION")
    page.prose(
        "Well appearing. Neck veins flat, no {c-:carotid bruit}. Regular rhythm, no {c-:murmur} and no {c-:gallop}. "
        "Lungs clear, no {c-:crackles}. No {c-:edema}. Right wrist healed. {c:[Scattered ]ecchymoses} on the forearms."
    )
    page.heading("DATA")
    page.prose("Electrocardiogram today: sinus rhythm at 62, {c:[old ]T wave inversion in V4 to V6^T wave inversion}.")
    page.bullets(
        [
            "{r:LDL cholesterol| |71|mg/dL}",
            "{r:Creatinine| |1.05|mg/dL}",
            "{r:Potassium| |4.5|mmol/L}",
            "{r:Hemoglobin| |13.8|g/dL}",
            "{r:ALT| |44|U/L}",
        ]
    )
    page.heading("ASSESSMENT AND PLAN")
    page.bullets(
        [
            "{c:Coronary artery disease}, stable after the stent. {m:Clopidogrel} until 11/2021, {m:aspirin} for life.",
            "{c:Hyperlipidemia}: close to goal. Add {m:ezetimibe|10 mg|PO|daily}.",
            "{c:Essential hypertension}: at goal, no change.",
            "{c:Type 2 diabetes mellitus}: start {m:empagliflozin|10 mg|PO|every morning} for the heart as well.",
            "Cardiac rehabilitation from 12/09/2020. Return in three months, sooner for {c~:angina} or {c~:bleeding}.",
        ],
        numbered=True,
    )
    page.signature("Owen Tamura, MD", "12/04/2020 at 17:10")
    return build(page, footer="Merrimack Cardiology Group", columns=2, head_height=140), sheet


def allergy_note(chart: Chart) -> tuple[bytes, Sheet]:
    """One page of short paragraphs with labels, to be photographed."""
    sheet = Sheet()
    page = Composer(sheet, Look(font="Times-Roman", bold="Times-Bold", size=11.4))
    page.letterhead(
        "Harborside Allergy and Asthma Associates",
        "70 Wharf Street, Boston, MA 02110   Tel 617-555-0188",
        centered=True,
    )
    page.title("Consultation Note")
    sheet.encounter(
        "Consultation", "2020-08-24", None, "Del Williamson, MD", "Harborside Allergy and Asthma Associates"
    )
    page.facts(
        [
            ("Patient:", chart.name, "DOB:", chart.us()),
            ("MRN:", chart.mrn, "Sex:", chart.sex.capitalize()),
            ("Seen on:", "08/24/2020", "By:", "Del Williamson, MD"),
        ],
        boxed=False,
    )
    page.labelled("Reason:", "{c:Wheezing} at night and after soccer.")
    page.labelled(
        "History:",
        "Known {c:allergic rhinitis} and {c:atopic dermatitis}. One {ch:anaphylaxis} to shrimp in 2012. He had "
        "{ch:viral sinusitis} on 08/17/2020, which has cleared. Uses his inhaler five times a week. Denies "
        "{c-:heartburn}, {c-:fever} and {c-:weight loss}. No history of {ch-:pneumonia}.",
    )
    page.labelled("Family:", "Mother has {cf:asthma}. Father has no {cf-:allergies}.")
    page.labelled("Allergies:", "{a:Shellfish} (hives, swelling of the lips).")
    page.labelled(
        "Medications:",
        "{m:Albuterol|2 puffs|inhaled|every 4 hours as needed}; {m:cetirizine|10 mg|by mouth|once daily}; "
        "{m:epinephrine auto-injector|0.3 mg|intramuscular|as needed}.",
    )
    page.labelled(
        "Vital signs:",
        "BP {bp:118/70|mmHg}, {v:Pulse| |76|bpm}, {v:Resp rate| |16|/min}, {v:SpO2| |97|%}, {v:Weight| |83.4|kg}.",
    )
    page.labelled(
        "Examination:",
        "{c:[Pale ]nasal mucosa swelling^swelling of the nasal mucosa}. {c:[Scattered ]expiratory wheezes^wheezes}. "
        "No {c-:crackles}. {c:Eczema} in both elbow creases. No {c-:urticaria}.",
    )
    page.labelled(
        "Tests:",
        "{p:Spirometry|2020-08-24}: {r:FEV1| |3.31|L}, {r:FEV1/FVC| |68|%}; after {m:albuterol} {r:FEV1| |3.84|L}. "
        "{p:Skin prick testing|2020-08-24} positive for birch, grass and dust mite. "
        "{r:Total IgE| |412|kU/L}, {r:Eosinophils| |8.1|%}.",
    )
    page.labelled(
        "Impression:", "{c:Moderate persistent asthma^asthma^persistent asthma}, not controlled; {c:allergic rhinitis}."
    )
    page.labelled(
        "Plan:",
        "Start {m:fluticasone-salmeterol|250 mcg-50 mcg|inhaled|twice daily} and {m:montelukast|10 mg|by mouth|at "
        "bedtime}. Written action plan given. Come back in six weeks, at once for {c~:shortness of breath} at rest.",
    )
    page.signature("Del Williamson, MD", "08/24/2020")
    return build(page, footer="Harborside Allergy and Asthma Associates"), sheet
