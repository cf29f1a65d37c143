"""Invented patients in the words clinicians write every day: "Type 2 diabetes mellitus", "Lisinopril 10 mg"."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import NamedTuple

from quality.heldout.patients import Item, Patient


class Pool(NamedTuple):
    """What invented patients are drawn from; of a test: name, unit, lowest and highest value, decimals."""

    people: tuple[tuple[str, str], ...]
    conditions: tuple[str, ...]
    medications: tuple[str, ...]
    allergies: tuple[str, ...]
    procedures: tuple[str, ...]
    immunizations: tuple[str, ...]
    tests: tuple[tuple[str, str, float, float, int], ...]


_FIRST = Pool(
    people=(
        ("Maria Lindqvist", "female"), ("Thomas Okafor", "male"), ("Grace Whitfield", "female"),
        ("Harold Nakamura", "male"), ("Priya Venkatesan", "female"), ("Samuel Brandt", "male"),
    ),
    conditions=(
        "Hypertension", "Type 2 diabetes mellitus", "Hyperlipidemia", "Asthma", "GERD", "Knee osteoarthritis",
        "Hypothyroidism", "Atrial fibrillation", "Coronary artery disease", "Chronic kidney disease, stage 3",
        "Depression", "Generalized anxiety disorder", "COPD", "Iron deficiency anemia", "Migraine without aura",
        "Sleep apnea", "Benign prostatic hyperplasia", "Gout", "Psoriasis", "Obesity", "Osteoporosis",
        "Diverticulosis", "Peripheral neuropathy", "Congestive heart failure", "Allergic rhinitis",
        "Rheumatoid arthritis",
    ),
    medications=(
        "Lisinopril 10 mg", "Metformin 500 mg", "Atorvastatin 40 mg", "Amlodipine 5 mg", "Omeprazole 20 mg",
        "Levothyroxine 75 mcg", "Apixaban 5 mg", "Metoprolol succinate 50 mg", "Sertraline 100 mg", "Furosemide 40 mg",
        "Gabapentin 300 mg", "Allopurinol 100 mg", "Aspirin 81 mg", "Tamsulosin 0.4 mg", "Albuterol 90 mcg",
        "Losartan 50 mg", "Montelukast 10 mg", "Prednisone 5 mg", "Empagliflozin 10 mg", "Folic acid 1 mg",
    ),
    allergies=(
        "Penicillin", "Sulfa drugs", "Latex", "Peanuts", "Shellfish", "Codeine", "Iodinated contrast", "Amoxicillin",
        "Ibuprofen", "Bee venom", "Eggs", "Lisinopril",
    ),
    procedures=(
        "Appendectomy", "Colonoscopy", "Coronary angiography", "Total knee replacement", "Cholecystectomy",
        "Cataract extraction", "Upper endoscopy", "Cesarean section", "Hernia repair", "Echocardiogram",
        "Tonsillectomy", "Knee arthroscopy", "Skin biopsy", "Hysterectomy", "CT of the abdomen and pelvis",
    ),
    immunizations=(
        "Influenza vaccine", "Tdap", "Pneumococcal polysaccharide (PPSV23)", "Hepatitis B vaccine", "MMR",
        "Zoster recombinant (Shingrix)", "COVID-19 mRNA vaccine", "Td booster", "Varicella", "HPV, 9-valent",
    ),
    tests=(
        ("Sodium", "mmol/L", 132, 147, 0), ("Potassium", "mmol/L", 3, 5.5, 1), ("Creatinine", "mg/dL", 0.5, 2.4, 2),
        ("Glucose", "mg/dL", 70, 210, 0), ("Hemoglobin A1c", "%", 5, 10, 1), ("Hemoglobin", "g/dL", 9, 16, 1),
        ("WBC", "10^3/uL", 3, 14, 1), ("Platelets", "10^3/uL", 120, 420, 0), ("TSH", "mIU/L", 0.3, 8, 2),
        ("LDL cholesterol", "mg/dL", 60, 190, 0), ("HDL", "mg/dL", 30, 80, 0), ("Triglycerides", "mg/dL", 60, 320, 0),
        ("ALT", "U/L", 9, 90, 0), ("AST", "U/L", 9, 90, 0), ("eGFR", "mL/min/1.73m2", 25, 110, 0),
        ("Heart rate", "bpm", 55, 110, 0), ("Temperature", "°F", 97, 101, 1), ("Weight", "kg", 50, 110, 1),
        ("BMI", "kg/m2", 19, 39, 1), ("SpO2", "%", 90, 100, 0), ("BUN", "mg/dL", 7, 40, 0),
        ("Ferritin", "ng/mL", 8, 300, 0),
        ("Respiratory rate", "/min", 12, 24, 0), ("Vitamin D, 25-OH", "ng/mL", 10, 60, 0), ("INR", "", 0.9, 3.5, 1),
    ),
)  # fmt: skip
#: Other people, other words: drawn from by editions since the eighth.
_SECOND = Pool(
    people=(
        ("Elena Marchetti", "female"), ("Walter Jurgens", "male"), ("Aisha Rahman", "female"),
        ("George Papadakis", "male"), ("Ingrid Solberg", "female"), ("Daniel Mbeki", "male"),
    ),
    conditions=(
        "Essential hypertension", "Diabetes mellitus type 1", "Mixed hyperlipidemia", "Bronchial asthma",
        "Gastric ulcer", "Lumbar disc herniation", "Hashimoto thyroiditis", "Paroxysmal atrial fibrillation",
        "Aortic stenosis, moderate", "CKD stage 4", "Major depressive disorder", "Panic disorder", "Emphysema",
        "Vitamin B12 deficiency", "Cluster headache", "Restless legs syndrome", "Prostate cancer", "Pseudogout",
        "Atopic dermatitis", "Morbid obesity", "Osteopenia", "Irritable bowel syndrome", "Carpal tunnel syndrome",
        "Heart failure with reduced ejection fraction", "Hay fever", "Ankylosing spondylitis", "Glaucoma",
        "Ulcerative colitis", "Epilepsy", "Breast cancer, left", "Celiac disease", "Chronic back pain",
    ),
    medications=(
        "Ramipril 5 mg", "Insulin glargine 100 units/mL", "Rosuvastatin 20 mg", "Bisoprolol 2.5 mg",
        "Pantoprazole 40 mg", "Liothyronine 5 mcg", "Rivaroxaban 20 mg", "Carvedilol 12.5 mg", "Escitalopram 10 mg",
        "Torsemide 20 mg", "Pregabalin 75 mg", "Febuxostat 80 mg", "Clopidogrel 75 mg", "Finasteride 5 mg",
        "Tiotropium 18 mcg", "Valsartan 160 mg", "Cetirizine 10 mg", "Methotrexate 2.5 mg", "Dapagliflozin 10 mg",
        "Cholecalciferol 1000 units", "Spironolactone 25 mg", "Melatonin 3 mg", "Acetaminophen 500 mg",
        "Warfarin 5 mg", "Sitagliptin 100 mg", "Hydrochlorothiazide 12.5 mg",
    ),
    allergies=(
        "Cephalexin", "Trimethoprim", "Adhesive tape", "Tree nuts", "Soy", "Morphine", "Gadolinium", "Doxycycline",
        "Naproxen", "Wasp venom", "Milk", "Nickel", "Strawberries", "Dust mites", "Vancomycin",
    ),
    procedures=(
        "Laparoscopic cholecystectomy", "Bronchoscopy", "Cardiac catheterization", "Hip replacement, right",
        "Inguinal hernia repair", "Pacemaker implantation", "Gastroscopy", "Vasectomy", "Thyroidectomy",
        "Lumbar puncture", "Mastectomy", "ACL reconstruction", "Carotid endarterectomy", "MRI of the brain",
        "Coronary artery bypass graft", "Tubal ligation", "Stress test", "Carpal tunnel release",
    ),
    immunizations=(
        "Flu shot (quadrivalent)", "Tetanus-diphtheria (Td)", "Prevnar 20", "Hepatitis A vaccine", "Rotavirus, oral",
        "Zostavax", "Moderna COVID-19", "Meningococcal ACWY", "Polio (IPV)", "Gardasil 9", "DTaP", "RSV vaccine",
        "Hib (PRP-T)", "Japanese encephalitis",
    ),
    tests=(
        ("Chloride", "mmol/L", 95, 112, 0), ("Magnesium", "mg/dL", 1.4, 2.6, 1), ("Albumin", "g/dL", 2.8, 5, 1),
        ("Fasting glucose", "mg/dL", 70, 190, 0), ("HbA1c", "%", 5, 11, 1), ("Hematocrit", "%", 30, 50, 1),
        ("RBC", "10^6/uL", 3.2, 5.9, 2), ("Neutrophils", "%", 35, 80, 0), ("Free T4", "ng/dL", 0.7, 2, 2),
        ("Total cholesterol", "mg/dL", 120, 290, 0), ("Bilirubin, total", "mg/dL", 0.2, 2.4, 1),
        ("Alkaline phosphatase", "U/L", 35, 160, 0), ("GGT", "U/L", 8, 120, 0), ("CRP", "mg/L", 0.5, 60, 1),
        ("ESR", "mm/hr", 2, 70, 0), ("Uric acid", "mg/dL", 3, 10, 1), ("Troponin I", "ng/mL", 0.01, 0.9, 2),
        ("NT-proBNP", "pg/mL", 50, 3000, 0), ("PSA", "ng/mL", 0.2, 9, 1), ("Systolic BP", "mmHg", 100, 175, 0),
        ("Diastolic BP", "mmHg", 55, 100, 0), ("Pulse", "bpm", 52, 118, 0), ("Temp", "°C", 36, 39.4, 1),
        ("Height", "cm", 150, 195, 0), ("Oxygen saturation", "%", 88, 100, 0), ("Lactate", "mmol/L", 0.5, 4, 1),
        ("Vitamin B12", "pg/mL", 150, 900, 0), ("D-dimer", "ng/mL", 100, 1200, 0), ("Phosphate", "mmol/L", 0.7, 1.9, 2),
    ),
)  # fmt: skip
_POOLS = {"eighth": _SECOND}


def everyday_patients(edition: str) -> list[Patient]:
    """The invented patients of an edition; results of two days, other lists of up to seven items."""
    pool = _POOLS.get(edition, _FIRST)
    return [_patient(pool, index) for index in range(len(pool.people))]


def _patient(pool: Pool, index: int) -> Patient:
    draw = random.Random(f"everyday {index}")  # noqa: S311 - a patient, not a secret
    name, sex = pool.people[index]
    pools = {
        "conditions": (pool.conditions, 3, 7), "medications": (pool.medications, 3, 7),
        "allergies": (pool.allergies, 1, 4), "procedures": (pool.procedures, 2, 5),
        "immunizations": (pool.immunizations, 2, 5),
    }  # fmt: skip
    lists = {
        list_name: [Item(text, _day(draw)) for text in draw.sample(some, draw.randint(low, high))]
        for list_name, (some, low, high) in pools.items()
    }
    days = sorted({_day(draw), _day(draw)}, reverse=True)
    lists["results"] = [
        Item(test, day, f"{draw.uniform(low, high):.{digits}f}", unit)
        for test, unit, low, high, digits in draw.sample(pool.tests, draw.randint(6, 9))
        for day in days
    ]
    return Patient(name, f"{draw.randint(1938, 1995)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}", sex, lists)


def _day(draw: random.Random) -> str:
    return (date(2009, 1, 1) + timedelta(days=draw.randrange(5800))).isoformat()
