"""Documents that look like something they are not: words of headings in names, details that are items, bars, cards."""

from __future__ import annotations

import time

import pytest

from exora.documents.analysis.columns import role_of
from exora.documents.analysis.headings import read_heading
from exora.documents.analysis.wording import kind_of_title
from tests.documents.test_analysis_layouts import page, read, rows
from tests.documents.test_analysis_unlisted import text


def test_a_status_or_a_name_behind_a_bar_is_no_condition() -> None:
    record = text("PROBLEMS\nGout | 2019-03-12 | active\nAsthma | 2018-03-12 | in remission\n")
    assert [c.name for c in record.conditions] == ["Gout", "Asthma"]

    record = text("PROBLEMS\nGout | 2019-03-12 | Dr Anne Morgan\nAsthma | 2018-03-12 | Dr Anne Morgan\n")
    assert [c.name for c in record.conditions] == ["Gout", "Asthma"]


def test_medicines_between_bars_keep_their_names() -> None:
    record = text("MEDICATIONS\nAspirin | 81 mg | once daily\nMetformin | 500 mg | twice daily\n")
    assert [m.name for m in record.medications] == ["Aspirin", "Metformin"]


def test_a_second_header_between_bars_ends_the_table() -> None:
    record = text(
        "Problem | Noted\nGout | 2019-03-12\nAsthma | 2018-03-12\nMedication | Started\nLisinopril 10 mg | 2019-05-01\n"
    )
    assert [c.name for c in record.conditions] == ["Gout", "Asthma"]
    assert [m.name for m in record.medications] == ["Lisinopril"]


def test_what_starts_like_a_direction_is_an_entry_of_its_own() -> None:
    record = text("MEDICATIONS\n\nAspirin 81 mg\nInjectable methotrexate 25 mg weekly\n")
    aspirin, methotrexate = record.medications
    assert (aspirin.name, aspirin.frequency) == ("Aspirin", None)
    assert "methotrexate" in methotrexate.name

    record = text("SURGICAL HISTORY\n\nCholecystectomy 2010\nPlacement of pacemaker 2015\n")
    assert [p.name.removesuffix(" 2015") for p in record.procedures][1:] == ["Placement of pacemaker"]


def test_the_number_of_a_specimen_is_no_value() -> None:
    record = text("RESULTS\n\nTest: Glucose\nSpecimen: 12345\nValue: 5.4 mmol/L\n")
    assert [(r.name, r.value, r.unit) for r in record.results] == [("Glucose", "5.4", "mmol/L")]


@pytest.mark.parametrize("line", ["ALL - diagnosed 2012, in remission", "ALL: in remission", "Px: guarded."])
def test_short_words_with_other_meanings_are_no_headings(line: str) -> None:
    assert read_heading(line) is None


@pytest.mark.parametrize(
    "sentence", ["She had pneumonia, sepsis and acute kidney injury.", "He had Nausea, Vomiting and Diarrhea."]
)
def test_what_somebody_had_is_not_done_to_him(sentence: str) -> None:
    record = text(f"HISTORY\n\n{sentence}\n")
    assert record.procedures == []
    assert len(record.conditions) >= 2


@pytest.mark.parametrize(
    "sentence", ["He was discharged on Monday.", "She was started on Tuesday.", "The patient is on CPAP."]
)
def test_days_and_machines_are_no_medicines(sentence: str) -> None:
    assert text(f"HOSPITAL COURSE\n\n{sentence}\n").medications == []


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Urine Drug Screen", "results"),
        ("Antigen Tests", "results"),
        ("Allergen Test Results", "results"),
        ("Surgical Pathology Report", None),
        ("Park Road Surgery", None),
        ("Department of Surgery", None),
        ("Previous Surgery", "procedures"),
        ("Vaccine Passport", "immunizations"),
    ],
)
def test_a_title_is_not_what_any_word_of_it_says(title: str, kind: str | None) -> None:
    assert kind_of_title(title) == kind


def test_a_drug_that_is_tested_for_is_not_taken() -> None:
    record = text("Urine Drug Screen\n\n- Cocaine: negative\n- Opiates: negative\n")
    assert record.medications == []


@pytest.mark.parametrize("header", ["Known allergy", "Known problem", "First diagnosis"])
def test_a_known_thing_is_no_date(header: str) -> None:
    assert role_of(header) != "date"


def test_panels_side_by_side_over_tables_are_no_cards() -> None:
    table = [
        ["Drawn: 2019-03-01", "", "Drawn: 2020-03-01", ""],
        ["Sodium", "139 mmol/L", "Potassium", "4.1 mmol/L"],
        ["Chloride", "101 mmol/L", "Calcium", "9.2 mg/dL"],
    ]
    record = read(page([(40, 40, "Results"), *rows(60, 14, [40, 160, 300, 420], table)]))
    assert all(r.unit in {"mmol/L", "mg/dL"} for r in record.results)


def test_a_medicine_may_be_called_like_somebody() -> None:
    record = text("MEDICATIONS\n\nMS Contin tablet 15 mg twice daily\n")
    assert [m.name for m in record.medications] == ["MS Contin tablet"]


@pytest.mark.parametrize(
    "hostile",
    ["alpha | beta | gamma\n" * 300, "She takes " + "a and " * 4000, "7" * 20_000, "1," * 10_000],
    ids=["bars", "and", "digits", "commas"],
)
def test_hostile_text_takes_no_time(hostile: str) -> None:
    begun = time.process_time()
    text("RESULTS\n\n" + hostile)
    assert time.process_time() - begun < 30  # a thousand times what it takes; what is quadratic takes minutes


def test_a_dose_is_that_of_its_medicine() -> None:
    record = text("What You Take: Folic acid 1 mg, Allopurinol 100 mg, Losartan 50 mg, Aspirin 81 mg.\n")
    assert [(m.name, m.dose) for m in record.medications] == [
        ("Folic acid", "1 mg"),
        ("Allopurinol", "100 mg"),
        ("Losartan", "50 mg"),
        ("Aspirin", "81 mg"),
    ]
    record = text("COURSE\n\nHe takes Dextromethorphan 1 MG/ML Oral Solution daily and lisinopril 10 mg twice daily.\n")
    assert {m.name: m.dose for m in record.medications}["lisinopril"] == "10 mg"


def test_what_stands_behind_an_empty_box_is_not_said() -> None:
    record = text(
        "MEDICAL HISTORY\n\n[ ] Tuberculosis [X] Asthma\n[x] Gout\n[ ] Hypertension\n\n"
        "ALLERGIES\n\n☐ None known ☒ Yes, list: Penicillin\n"
    )
    assert [c.name for c in record.conditions] == ["Asthma", "Gout"]
    assert [a.name for a in record.allergies] == ["Penicillin"]


def test_a_test_is_not_called_by_the_verb_behind_it() -> None:
    record = text("RESULTS\n\nBody weight measured 81 kg.\nHemoglobin came back at 15.4 g/dL.\n")
    assert [(r.name, r.value) for r in record.results] == [("Body weight", "81"), ("Hemoglobin", "15.4")]


def test_a_table_of_medicines_below_a_line_of_allergies_holds_no_allergens() -> None:
    record = text(
        "MY MEDICATION LIST\nName: Ann Poe   Date of birth: 03/04/1969\n\n"
        "Allergies: Trimethoprim (rash), Latex (itching of the hands)\n\n"
        "Medication       Dose      How to take   When         What for\n"
        "Aspirin          81 mg     by mouth      once daily   Heart\n"
        "Lisinopril       20 mg     by mouth      at bedtime   Blood pressure\n"
        "Nitroglycerin    0.4 mg    sublingual    as needed    Chest tightness\n\n"
        "Stopped\nIbuprofen 400 mg by mouth as needed, stopped 11/13/2020.\n"
    )
    assert [(a.name, a.reaction) for a in record.allergies] == [("Trimethoprim", "rash"), ("Latex", "itching")]
    assert [(m.name, m.route, m.frequency) for m in record.medications] == [
        ("Aspirin", "by mouth", "once daily"),
        ("Lisinopril", "by mouth", "at bedtime"),
        ("Nitroglycerin", "sublingual", "as needed"),
        ("Ibuprofen", "by mouth", "as needed"),
    ]


def test_the_drugs_one_is_allergic_to_are_no_medicines() -> None:
    record = text(
        "ALLERGIES\n\nMedication      Reaction    Severity\nPenicillin      hives       severe\n"
        "Codeine         nausea      mild\n"
    )
    assert [a.name for a in record.allergies] == ["Penicillin", "Codeine"]
    assert record.medications == []


@pytest.mark.parametrize(
    "house", ["Harborside Allergy and Asthma Associates", "Eastern Vaccine Center", "Hill Street Internal Medicine"]
)
def test_the_name_of_a_practice_heads_no_list(house: str) -> None:
    assert kind_of_title(house) is None


def test_a_list_on_one_line_is_read_below_another() -> None:
    record = text(
        "Diagnosis: Sprain of ankle, left. Gout.\nAllergies: Ibuprofen (rash, this visit). Peanut (vomiting).\n"
    )
    assert [a.name for a in record.allergies] == ["Ibuprofen", "Peanut"]


def test_relatives_without_allergies_say_nothing_of_the_patient() -> None:
    assert text("HISTORY\nMother has asthma. Father has no allergies.\n").allergies == []
    assert len(text("HISTORY\nHe has no known drug allergies.\n").allergies) == 1
