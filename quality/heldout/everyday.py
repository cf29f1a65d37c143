"""Invented patients in the words clinicians write every day: "Type 2 diabetes mellitus", "Lisinopril 10 mg"."""

from __future__ import annotations

import random
from datetime import date, timedelta

from quality.heldout.patients import Item, Patient

_PEOPLE = (
    ("Maria Lindqvist", "female"), ("Thomas Okafor", "male"), ("Grace Whitfield", "female"),
    ("Harold Nakamura", "male"), ("Priya Venkatesan", "female"), ("Samuel Brandt", "male"),
)  # fmt: skip
_CONDITIONS = (
    "Hypertension", "Type 2 diabetes mellitus", "Hyperlipidemia", "Asthma", "GERD", "Knee osteoarthritis",
    "Hypothyroidism", "Atrial fibrillation", "Coronary artery disease", "Chronic kidney disease, stage 3", "Depression",
    "Generalized anxiety disorder", "COPD", "Iron deficiency anemia", "Migraine without aura", "Sleep apnea",
    "Benign prostatic hyperplasia", "Gout", "Psoriasis", "Obesity", "Osteoporosis", "Diverticulosis",
    "Peripheral neuropathy", "Congestive heart failure", "Allergic rhinitis", "Rheumatoid arthritis",
)  # fmt: skip
_MEDICATIONS = (
    "Lisinopril 10 mg", "Metformin 500 mg", "Atorvastatin 40 mg", "Amlodipine 5 mg", "Omeprazole 20 mg",
    "Levothyroxine 75 mcg", "Apixaban 5 mg", "Metoprolol succinate 50 mg", "Sertraline 100 mg", "Furosemide 40 mg",
    "Gabapentin 300 mg", "Allopurinol 100 mg", "Aspirin 81 mg", "Tamsulosin 0.4 mg", "Albuterol 90 mcg",
    "Losartan 50 mg", "Montelukast 10 mg", "Prednisone 5 mg", "Empagliflozin 10 mg", "Folic acid 1 mg",
)  # fmt: skip
_ALLERGIES = (
    "Penicillin", "Sulfa drugs", "Latex", "Peanuts", "Shellfish", "Codeine", "Iodinated contrast", "Amoxicillin",
    "Ibuprofen", "Bee venom", "Eggs", "Lisinopril",
)  # fmt: skip
_PROCEDURES = (
    "Appendectomy", "Colonoscopy", "Coronary angiography", "Total knee replacement", "Cholecystectomy",
    "Cataract extraction", "Upper endoscopy", "Cesarean section", "Hernia repair", "Echocardiogram", "Tonsillectomy",
    "Knee arthroscopy", "Skin biopsy", "Hysterectomy", "CT of the abdomen and pelvis",
)  # fmt: skip
_VACCINES = (
    "Influenza vaccine", "Tdap", "Pneumococcal polysaccharide (PPSV23)", "Hepatitis B vaccine", "MMR",
    "Zoster recombinant (Shingrix)", "COVID-19 mRNA vaccine", "Td booster", "Varicella", "HPV, 9-valent",
)  # fmt: skip
#: Test, unit, lowest and highest value, decimals.
_TESTS = (
    ("Sodium", "mmol/L", 132, 147, 0), ("Potassium", "mmol/L", 3, 5.5, 1), ("Creatinine", "mg/dL", 0.5, 2.4, 2),
    ("Glucose", "mg/dL", 70, 210, 0), ("Hemoglobin A1c", "%", 5, 10, 1), ("Hemoglobin", "g/dL", 9, 16, 1),
    ("WBC", "10^3/uL", 3, 14, 1), ("Platelets", "10^3/uL", 120, 420, 0), ("TSH", "mIU/L", 0.3, 8, 2),
    ("LDL cholesterol", "mg/dL", 60, 190, 0), ("HDL", "mg/dL", 30, 80, 0), ("Triglycerides", "mg/dL", 60, 320, 0),
    ("ALT", "U/L", 9, 90, 0), ("AST", "U/L", 9, 90, 0), ("eGFR", "mL/min/1.73m2", 25, 110, 0),
    ("Heart rate", "bpm", 55, 110, 0), ("Temperature", "°F", 97, 101, 1), ("Weight", "kg", 50, 110, 1),
    ("BMI", "kg/m2", 19, 39, 1), ("SpO2", "%", 90, 100, 0), ("BUN", "mg/dL", 7, 40, 0),
    ("Ferritin", "ng/mL", 8, 300, 0),
    ("Respiratory rate", "/min", 12, 24, 0), ("Vitamin D, 25-OH", "ng/mL", 10, 60, 0), ("INR", "", 0.9, 3.5, 1),
)  # fmt: skip


def everyday_patients() -> list[Patient]:
    """The invented patients, the same ones each time; results of two days, other lists of up to seven items."""
    return [_patient(name, sex, index) for index, (name, sex) in enumerate(_PEOPLE)]


def _patient(name: str, sex: str, index: int) -> Patient:
    draw = random.Random(f"everyday {index}")  # noqa: S311 - a patient, not a secret
    pools = {
        "conditions": (_CONDITIONS, 3, 7), "medications": (_MEDICATIONS, 3, 7), "allergies": (_ALLERGIES, 1, 4),
        "procedures": (_PROCEDURES, 2, 5), "immunizations": (_VACCINES, 2, 5),
    }  # fmt: skip
    lists = {
        list_name: [Item(text, _day(draw)) for text in draw.sample(pool, draw.randint(low, high))]
        for list_name, (pool, low, high) in pools.items()
    }
    days = sorted({_day(draw), _day(draw)}, reverse=True)
    lists["results"] = [
        Item(test, day, f"{draw.uniform(low, high):.{digits}f}", unit)
        for test, unit, low, high, digits in draw.sample(_TESTS, draw.randint(6, 9))
        for day in days
    ]
    return Patient(name, f"{draw.randint(1938, 1995)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}", sex, lists)


def _day(draw: random.Random) -> str:
    return (date(2009, 1, 1) + timedelta(days=draw.randrange(5800))).isoformat()
