"""The long discharge summary, middle part: one progress note a day and the nurse's assessment at the end."""

from __future__ import annotations

from examples.generator.layout import Composer

_NOTES: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    (
        "11/10/2020, hospital day 2 (Priya Raman, MD)",
        "Slept poorly. One episode of {c:palpitations} at 03:00, none since. Denies {c-:chest pain} and {c-:dyspnea}.",
        "Telemetry: {c:[short run of nonsustained ]ventricular tachycardia^nonsustained ventricular "
        "tachycardia}, 6 beats. Lungs clear. No {c-:edema}.",
        "Day 2 of {c:non-ST elevation myocardial infarction}, going to the catheter laboratory this morning. "
        "{c:Hypokalemia} may have fed the rhythm.",
        (
            "{m:Potassium chloride|40 mEq|by mouth|once}, repeat the level at noon.",
            "Continue {m:heparin} until the procedure. {m:Metformin} and {m:lisinopril} on hold.",
        ),
    ),
    (
        "11/11/2020, hospital day 3 (Priya Raman, MD)",
        "Feels better. {c:[Mild ]soreness at the right wrist^wrist soreness^soreness^right wrist soreness}. Denies "
        "{c-:chest pain}, {c-:nausea} and {c-:hand numbness^numbness}. Walked 300 feet with the therapist.",
        "Radial pulse full. No {c-:hematoma}. Lungs clear. Urine output 1,450 mL in 24 hours.",
        "{c:Acute kidney injury}, mild, after contrast. {c:Coronary artery disease} with a new stent.",
        (
            "{m:0.9% sodium chloride|75 mL/hour|intravenous|for 12 hours}.",
            "Echocardiogram today. {m:Pantoprazole|40 mg|by mouth|once daily} while on two platelet inhibitors.",
        ),
    ),
    (
        "11/12/2020, hospital day 4 (Marcus Hale, NP)",
        "Good night. {c:Constipation} for two days. Denies {c-:abdominal pain}, {c-:chest pain} and {c-:dizziness}.",
        "Abdomen soft. No {c-:rales}. No {c-:edema}. Telemetry without {c-:arrhythmia}.",
        "{c:Acute kidney injury} is getting better. {c:Type 2 diabetes mellitus}: fasting values still above 140.",
        (
            "{m:Docusate|100 mg|by mouth|twice daily}.",
            "Restart {m:lisinopril|20 mg|by mouth|once daily}. {m:Metformin|1000 mg|by mouth|twice daily} from "
            "tomorrow.",
        ),
    ),
    (
        "11/13/2020, hospital day 5 (Marcus Hale, NP)",
        "Ready to go home. Bowels moved. Denies {c-:chest pain}, {c-:shortness of breath} and {c-:lightheadedness}.",
        "Wrist clean and dry. No {c-:bleeding}. Heart regular, no {c-:murmur}. Walks stairs without {c-:angina}.",
        "Stable for discharge.",
        ("Home with family. Prescriptions sent to the pharmacy. Teaching done with his wife present.",),
    ),
)


def write_progress(page: Composer) -> None:
    """Four progress notes and the nursing assessment."""
    page.title("PROGRESS NOTES")
    for title, subjective, objective, assessment, plan in _NOTES:
        page.heading(title, ruled=True)
        page.labelled("S:", subjective)
        page.labelled("O:", objective)
        page.labelled("A:", assessment)
        page.labelled("P:", "")
        page.bullets(plan)
    page.title("NURSING ASSESSMENT AT DISCHARGE")
    page.facts(
        [("Date:", "11/13/2020 11:15", "Nurse:", "Tessa Lindqvist, RN"), ("Unit:", "4 West", "Escort:", "Wife")],
        boxed=False,
    )
    page.labelled(
        "Skin:", "Intact. No {c-:pressure injury}. {c:Bruise[ on the left forearm]} from the intravenous line."
    )
    page.labelled("Pain:", "Denies {c-:pain}.")
    page.labelled("Falls:", "Steady gait, no {c-:falls} during the stay.")
    page.labelled("Lines:", "{p:Peripheral intravenous catheter removal|2020-11-13} at 11:05.")
    page.labelled(
        "Teaching:",
        "Names his medicines and their purpose. Shows how to use {m:nitroglycerin|0.4 mg|sublingual|as needed}. Knows "
        "to come back for {c~:bleeding} or {c~:fever}.",
    )
    page.labelled(
        "Last set:",
        "Blood pressure {bp:116/72|mmHg}, {v:Pulse| |66|bpm}, {v:Resp rate| |15|/min}, {v:Temp| |98.2|°F}, "
        "{v:SpO2| |98|%}.",
    )
    page.signature("Tessa Lindqvist, RN", "11/13/2020 at 11:20")
