"""The long discharge summary, first part: the stay itself (pages of prose, lists and ruled tables)."""

from __future__ import annotations

from examples.generator.charts import Chart
from examples.generator.laboratory import trend_row
from examples.generator.layout import Composer

FACILITY = "Merrimack Valley General Hospital"
ADDRESS = "400 Larch Hill Road, Newburyport, MA 01950 | Tel 978-555-0140 | Fax 978-555-0141"
ATTENDING = "Priya Raman, MD"

#: Morning laboratory values of the stay; the bundle has no hospital stay, so these were made up.
_DAYS = ("2020-11-09", "2020-11-10", "2020-11-11", "2020-11-12", "2020-11-13")
_DAILY: dict[str, tuple[float | None, ...]] = {
    "troponin": (0.38, 3.21, 1.87, 0.62, None),
    "wbc": (11.8, 10.4, 9.1, 8.2, 7.7),
    "hemoglobin": (14.9, 14.2, 13.6, 13.1, 13.4),
    "platelets": (251, 243, 229, 218, 226),
    "sodium": (138, 137, 139, 140, 139),
    "potassium": (4.1, 3.4, 3.9, 4.2, 4.3),
    "bun": (18, 21, 24, 22, 19),
    "creatinine": (1.02, 1.18, 1.41, 1.26, 1.09),
    "glucose": (214, 187, 162, 149, 138),
    "magnesium": (1.9, 1.7, 2.0, 2.1, 2.0),
    "bnp": (164, None, None, 118, None),
}

_VITALS = (
    ("11/09/2020 14:20", "2020-11-09", "158/94", "102", "20", "98.4", "94"),
    ("11/09/2020 20:00", "2020-11-09", "142/88", "91", "18", "98.6", "96"),
    ("11/10/2020 08:00", "2020-11-10", "136/82", "84", "17", "98.9", "97"),
    ("11/11/2020 08:00", "2020-11-11", "128/78", "72", "16", "98.7", "97"),
    ("11/12/2020 08:00", "2020-11-12", "124/76", "68", "16", "98.2", "98"),
    ("11/13/2020 07:30", "2020-11-13", "118/74", "64", "14", "98.1", "99"),
)


def write_stay(page: Composer, chart: Chart) -> None:
    """Everything about the five days in hospital."""
    _head(page, chart)
    _arrival(page)
    _background(page)
    _examination(page)
    _results(page)
    _course(page)
    _studies(page)
    _discharge(page)


def _head(page: Composer, chart: Chart) -> None:
    page.letterhead(FACILITY, ADDRESS)
    page.title("DISCHARGE SUMMARY")
    page.sheet.encounter("Inpatient admission", "2020-11-09", "2020-11-13", ATTENDING, FACILITY)
    page.facts(
        [
            ("Patient:", chart.name_reversed, "MRN:", chart.mrn),
            ("Date of birth:", f"{chart.us()} ({chart.age('2020-11-09')} y)", "Sex:", chart.sex.capitalize()),
            ("Admitted:", "11/09/2020", "Discharged:", "11/13/2020"),
            ("Attending:", ATTENDING, "Service:", "Cardiology, 4 West"),
            ("Primary care:", "Annette Legros, MD", "Disposition:", "Home with family"),
            ("Address:", f"{chart.street}, {chart.city}", "Phone:", chart.phone),
        ]
    )
    page.heading("PRINCIPAL DIAGNOSIS", ruled=True)
    page.prose("{c:Non-ST elevation myocardial infarction}")
    page.heading("SECONDARY DIAGNOSES", ruled=True)
    page.bullets(
        [
            "{c:Coronary artery disease}",
            "{c:Essential hypertension}",
            "{c:Type 2 diabetes mellitus}",
            "{c:Hyperlipidemia}",
            "{c:Acute kidney injury}, resolved",
            "{c:Hypokalemia}, corrected",
        ],
        numbered=True,
    )
    page.heading("ALLERGIES", ruled=True)
    page.prose("{a:Sulfamethoxazole-trimethoprim} (rash, 2007). {a:Latex} (itching of the hands).")


def _arrival(page: Composer) -> None:
    page.heading("CHIEF COMPLAINT", ruled=True)
    page.prose("{c:Chest pain} for three hours.")
    page.heading("HISTORY OF PRESENT ILLNESS", ruled=True)
    page.prose(
        "Mr. Dietrich is a 51-year-old man who developed {c:[substernal ]chest pressure} while raking leaves on the "
        "morning of admission. The pressure spread to the left arm and was accompanied by {c:nausea} and "
        "{c:diaphoresis}. It did not ease with rest. His wife drove him to the emergency department, where the first "
        "electrocardiogram showed {c:ST depression[ in leads V3 to V6]}. He received {m:aspirin|324 mg|by mouth|once} "
        "and {m:nitroglycerin|0.4 mg|sublingual|every 5 minutes for 3 doses}, and the pressure fell from 8 to 2 "
        "on a scale of 10."
    )
    page.prose(
        "He denies {c-:syncope}, {c-:palpitations}, {c-:orthopnea} and {c-:leg swelling}. There was no {c-:fever}, "
        "{c-:cough} or {c-:hemoptysis}. He had noticed {c:[exertional ]dyspnea} on the stairs for about two weeks and "
        "put it down to being out of shape."
    )


def _background(page: Composer) -> None:
    page.heading("PAST MEDICAL HISTORY", ruled=True)
    page.bullets(
        [
            "{c:Essential hypertension}, diagnosed 2016",
            "{c:Type 2 diabetes mellitus}, diagnosed 2018",
            "{c:Hyperlipidemia}, diagnosed 2016",
            "{ch:Acute bronchitis}, 2013 and 2018",
            "{ch:Kidney stones}, 2009, passed without intervention",
            "No history of {ch-:stroke} or {ch-:deep vein thrombosis}",
        ]
    )
    page.heading("PAST SURGICAL HISTORY", ruled=True)
    page.bullets(["{p:Appendectomy|1986}, 1986", "{p:Colonoscopy|2019-03-05}, 03/05/2019, normal"])
    page.heading("FAMILY HISTORY", ruled=True)
    page.prose(
        "Father had a {cf:myocardial infarction} at age 54 and died of {cf:heart failure}. Mother has "
        "{cf:hypothyroidism}. One brother has {cf:type 2 diabetes mellitus}. No family history of "
        "{cf-:sudden cardiac death}."
    )
    page.heading("SOCIAL HISTORY", ruled=True)
    page.prose(
        "Former smoker, 15 pack-years, stopped in 2009. Drinks two beers on weekends. Works as a school custodian, "
        "lives with his wife and has two grown daughters."
    )
    page.heading("MEDICATIONS BEFORE ADMISSION", ruled=True)
    rows = [
        ("Lisinopril", "10 mg", "by mouth", "once daily"),
        ("Atorvastatin", "20 mg", "by mouth", "at bedtime"),
        ("Metformin", "500 mg", "by mouth", "twice daily"),
        ("Ibuprofen", "400 mg", "by mouth", "as needed"),
    ]
    page.table(
        ("Medication", "Dose", "Route", "Frequency"),
        [page.sheet.medication(*row) for row in rows],
        (2.2, 1.3, 1.3, 2.2),
    )


def _examination(page: Composer) -> None:
    page.heading("REVIEW OF SYSTEMS ON ADMISSION", ruled=True)
    page.labelled("Constitutional:", "Denies {c-:chills}, {c-:night sweats} and {c-:weight loss}.")
    page.labelled("Respiratory:", "No {c-:wheezing}. No {c-:pleuritic pain}.")
    page.labelled("Gastrointestinal:", "Denies {c-:vomiting}, {c-:abdominal pain} and {c-:melena}.")
    page.labelled("Genitourinary:", "Denies {c-:dysuria} and {c-:hematuria}.")
    page.labelled("Neurologic:", "Denies {c-:headache}, {c-:dizziness} and {c-:numbness}.")
    page.heading("PHYSICAL EXAMINATION ON ADMISSION", ruled=True)
    page.labelled("General:", "Alert man, uncomfortable, speaking in full sentences.")
    page.labelled("Neck:", "Supple. No {c-:jugular venous distention}. No {c-:carotid bruit}.")
    page.labelled("Heart:", "{c:Tachycardia}, regular rhythm. No {c-:murmur}, no {c-:rub}.")
    page.labelled("Lungs:", "{c:Bibasilar crackles^crackles}. No {c-:wheezes}.")
    page.labelled("Abdomen:", "Soft, not tender. No {c-:hepatomegaly}.")
    page.labelled("Extremities:", "Warm. No {c-:edema}. Pulses equal on both sides.")
    page.labelled("Neurologic:", "Oriented to person, place and time. No {c-:focal deficit}.")


def _results(page: Composer) -> None:
    page.heading("VITAL SIGNS DURING THE STAY", ruled=True)
    rows = []
    for printed, day, pressure, pulse, breaths, temperature, saturation in _VITALS:
        when = f"{day}T{printed[-5:]}"
        page.sheet.blood_pressure(pressure, "mmHg", when)
        page.sheet.result("Pulse", pulse, "bpm", "vital", when)
        page.sheet.result("Resp rate", breaths, "/min", "vital", when)
        page.sheet.result("Temp", temperature, "°F", "vital", when)
        page.sheet.result("SpO2", saturation, "%", "vital", when)
        rows.append([printed, pressure, pulse, breaths, temperature, saturation])
    page.table(
        ("Date and time", "BP (mmHg)", "Pulse (bpm)", "Resp rate (/min)", "Temp (°F)", "SpO2 (%)"),
        rows,
        (1.6, 1.1, 1.1, 1.3, 1.0, 0.9),
    )
    page.heading("LABORATORY RESULTS DURING THE STAY", ruled=True)
    page.table(
        ("Test", "Unit", "Reference", "11/09/20", "11/10/20", "11/11/20", "11/12/20", "11/13/20"),
        [trend_row(page.sheet, key, list(zip(_DAYS, values, strict=True))) for key, values in _DAILY.items()],
        (1.35, 0.8, 1.0, 0.78, 0.78, 0.78, 0.78, 0.78),
    )
    page.prose(
        "Additional results of 11/10/2020: {r:Hemoglobin A1c| |8.1|%} (reference 4.0 - 5.6), "
        "{r:TSH| |2.14|mIU/L} (reference 0.40 - 4.50), {r:Total cholesterol| |231|mg/dL}, "
        "{r:LDL cholesterol| |148|mg/dL}, {r:HDL cholesterol| |36|mg/dL}, {r:Triglycerides| |236|mg/dL}."
    )


def _course(page: Composer) -> None:
    page.heading("HOSPITAL COURSE BY PROBLEM", ruled=True)
    page.labelled(
        "1. {c:Non-ST elevation myocardial infarction}.",
        "The troponin rose and fell in a typical pattern. He was treated with "
        "{m:heparin|12 units/kg/hour|intravenous|continuous infusion}, {m:clopidogrel|600 mg|by mouth|once} and "
        "{m:metoprolol tartrate|25 mg|by mouth|every 12 hours}. {p:Coronary angiography|2020-11-10} on 11/10/2020 "
        "showed {c:85% stenosis of the mid left anterior descending artery^stenosis^85% stenosis^stenosis of the mid "
        "left anterior descending artery}. {p:Percutaneous coronary intervention|2020-11-10} with one drug-eluting "
        "stent was done in the same session by Dr. Owen Tamura. There was no {c-:access site hematoma^hematoma} and no "
        "{c-:recurrent chest pain^chest pain}. He walked 300 feet on the third day without {c-:angina}.",
    )
    page.labelled(
        "2. Blood pressure.",
        "{c:Essential hypertension} was above goal on arrival. {m:Lisinopril} was held for two days because of the "
        "creatinine and then resumed at a higher dose.",
    )
    page.labelled(
        "3. Kidney function.",
        "{c:Acute kidney injury} after contrast; the creatinine peaked on 11/11/2020 and came back to baseline with "
        "{m:0.9% sodium chloride|75 mL/hour|intravenous|for 12 hours}. There was no {c-:oliguria}.",
    )
    page.labelled(
        "4. Glucose control.",
        "{c:Type 2 diabetes mellitus} was not at goal. He was covered with {m:insulin lispro|4 units|subcutaneous|"
        "before meals} while {m:metformin} was held for the contrast. No {c-:hypoglycemia} occurred. The nurse "
        "educator taught home glucose checks.",
    )
    page.labelled(
        "5. Electrolytes.",
        "{c:Hypokalemia} on 11/10/2020 was corrected with {m:potassium chloride|40 mEq|by mouth|once}.",
    )
    page.labelled(
        "6. Lipids.",
        "{c:Hyperlipidemia} on a moderate dose of statin; {m:atorvastatin} was raised to 80 mg. There was no "
        "{c-:myalgia}.",
    )


def _studies(page: Composer) -> None:
    page.heading("PROCEDURES", ruled=True)
    page.table(
        ("Date", "Procedure", "Operator"),
        [
            ("11/10/2020", "{p:Coronary angiography|2020-11-10}", "Owen Tamura, MD"),
            ("11/10/2020", "{p:Percutaneous coronary intervention|2020-11-10}", "Owen Tamura, MD"),
            ("11/11/2020", "{p:Transthoracic echocardiogram|2020-11-11}", "Lucía Ferrer, MD"),
        ],
        (1.2, 3.8, 2.0),
    )
    page.heading("IMAGING AND CARDIAC STUDIES", ruled=True)
    page.labelled(
        "Chest radiograph 11/09/2020:",
        "Heart size normal. {c:[Mild ]interstitial edema}. No {c-:pleural effusion}. No {c-:pneumothorax}. "
        "No {c-:consolidation}.",
    )
    page.labelled(
        "Echocardiogram 11/11/2020:",
        "{r:Left ventricular ejection fraction| |48|%}. {c:[Mild ]hypokinesis of the anterior wall^hypokinesis^"
        "anterior wall hypokinesis}. {c:[Trace ]mitral regurgitation}. No {c-:pericardial effusion}. No "
        "{c-:left ventricular thrombus}.",
    )
    page.labelled(
        "Electrocardiogram 11/13/2020:",
        "Sinus rhythm. No {c-:ST elevation}. No {c-:atrial fibrillation}.",
    )


def _discharge(page: Composer) -> None:
    page.heading("DISCHARGE MEDICATIONS", ruled=True)
    rows = [
        (("Aspirin", "81 mg", "by mouth", "once daily"), "NEW"),
        (("Clopidogrel", "75 mg", "by mouth", "once daily"), "NEW"),
        (("Metoprolol succinate", "50 mg", "by mouth", "once daily"), "NEW"),
        (("Nitroglycerin", "0.4 mg", "sublingual", "as needed"), "NEW"),
        (("Atorvastatin", "80 mg", "by mouth", "at bedtime"), "CHANGED"),
        (("Lisinopril", "20 mg", "by mouth", "once daily"), "CHANGED"),
        (("Metformin", "1000 mg", "by mouth", "twice daily"), "CHANGED"),
        (("Ibuprofen", "400 mg", "by mouth", "as needed"), "STOPPED"),
    ]
    page.table(
        ("Medication", "Dose", "Route", "Frequency", "Status"),
        [[*page.sheet.medication(*row), status] for row, status in rows],
        (2.2, 1.0, 1.2, 1.6, 1.0),
    )
    page.heading("CONDITION AT DISCHARGE", ruled=True)
    page.prose(
        "Good. Free of {c-:chest pain} for 48 hours. Blood pressure {bp:118/74|mmHg}, {v:Pulse| |64|bpm}, "
        "{v:Weight| |96.4|kg}. The right wrist is clean without {c-:bleeding}."
    )
    page.heading("INSTRUCTIONS TO THE PATIENT", ruled=True)
    page.bullets(
        [
            "Take {m:clopidogrel} every day for at least twelve months; never stop it without the cardiologist.",
            "Call 911 for {c~:chest pain} that lasts more than 5 minutes after one {m:nitroglycerin} tablet.",
            "Call the clinic for {c~:shortness of breath}, {c~:fainting} or {c~:black stools}.",
            "Low-salt diet with fewer carbohydrates. Walk daily and add five minutes every week.",
            "No lifting above 10 pounds for one week.",
        ]
    )
    page.heading("FOLLOW-UP", ruled=True)
    page.table(
        ("Date", "With", "Reason"),
        [
            ("11/20/2020", "Annette Legros, MD", "Blood pressure, basic metabolic panel"),
            ("12/04/2020", "Owen Tamura, MD", "Cardiology visit after stent"),
            ("12/09/2020", "Cardiac rehabilitation", "First of 36 sessions"),
        ],
        (1.2, 2.4, 3.4),
    )
    page.signature(ATTENDING, "11/13/2020 at 15:42")
