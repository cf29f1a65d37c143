"""The analyzer on plain text: lists, sentences with their context, patient header, offsets and codes."""

from __future__ import annotations

import pytest

from exora.documents.analysis.local import analyze_text
from exora.documents.analysis.text import pages_from_text
from exora.domain.record import Record

LETTER = """\
DISCHARGE SUMMARY

Patient Name:  Doe, Jane Q.     DOB: 03/12/1961    Sex: F
MRN: 123-456

Admission Date: 03/01/2019   Discharge Date: 03/05/2019
Attending: Dr. John Smith

Allergies: NKDA

Discharge Medications:
- Metformin 500 mg PO BID
- Lisinopril 10 MG Oral Tablet, 1 tablet by mouth once daily
- Amoxicillin 250 MG / Clavulanate 125 MG [Augmentin]

Past Medical History:
1. Hypertension
2. Type 2 diabetes mellitus

Hospital Course:
The patient presented with chest pain but denies fever. Her mother had breast cancer.
Return for shortness of breath. She was started on aspirin 81 mg daily.

Vitals: BP 128/82 mmHg, HR 72 bpm, SpO2 98% on RA

Labs:
Hemoglobin A1c   7.2 %   (4.0-5.6)  H
WBC 6.2 x10E3/uL
"""


def read(text: str) -> Record:
    return analyze_text(text, sha256="0" * 64)


def test_a_discharge_summary_is_read_whole() -> None:
    record = read(LETTER)

    assert record.document.type == "discharge_summary"
    assert record.document.language == "en"
    assert (record.patient.name, record.patient.birth_date, record.patient.sex) == (
        "Jane Q Doe",
        "1961-03-12",
        "female",
    )
    assert [(i.type, i.value) for i in record.patient.identifiers] == [("MRN", "123-456")]
    (stay,) = record.encounters
    assert (stay.start, stay.end, stay.provider) == ("2019-03-01", "2019-03-05", "Dr. John Smith")
    assert [(a.name, a.negated) for a in record.allergies] == [("NKDA", True)]
    assert [(m.name, m.dose, m.route, m.frequency) for m in record.medications] == [
        ("Metformin", "500 mg", "PO", "BID"),
        ("Lisinopril 10 MG Oral Tablet", "1 tablet", "by mouth", "once daily"),
        ("Amoxicillin 250 MG / Clavulanate 125 MG [Augmentin]", None, None, None),
        ("aspirin", "81 mg", None, "daily"),
    ]
    assert [(r.name, r.value, r.unit, r.flag, r.category) for r in record.results] == [
        ("Systolic blood pressure", "128", "mmHg", None, "vital"),
        ("Diastolic blood pressure", "82", "mmHg", None, "vital"),
        ("HR", "72", "bpm", None, "vital"),
        ("SpO2", "98", "%", None, "vital"),
        ("Hemoglobin A1c", "7.2", "%", "H", "laboratory"),
        ("WBC", "6.2", "x10E3/uL", None, "laboratory"),
    ]


def test_conditions_in_prose_carry_their_context() -> None:
    found = {c.name: (c.negated, c.temporality, c.subject) for c in read(LETTER).conditions}

    assert found == {
        "Hypertension": (False, "historical", "patient"),
        "Type 2 diabetes mellitus": (False, "historical", "patient"),
        "chest pain": (False, "current", "patient"),
        "fever": (True, "current", "patient"),
        "breast cancer": (False, "current", "family"),
        "shortness of breath": (False, "hypothetical", "patient"),
    }


def test_offsets_lead_back_to_the_original_text_although_white_space_was_collapsed() -> None:
    record = read(LETTER)

    (page,) = pages_from_text(LETTER)
    assert page.words[0].box is None
    for name in record.item_counts():
        for item in getattr(record, name):
            assert item.source.box is None
            assert item.source.quote in page.text
            assert LETTER[item.source.start : item.source.end].split() == item.source.quote.split()


def test_codes_are_given_for_exact_names_only() -> None:
    record = read(
        "Diagnoses:\nAcute bronchitis\nStreptococcal sore throat (disorder)\nBroken heart of the third kind\n"
    )

    assert [(c.name, c.coding.code if c.coding else None) for c in record.conditions] == [
        ("Acute bronchitis", "J20.9"),
        ("Streptococcal sore throat (disorder)", "J02.0"),
        ("Broken heart of the third kind", None),
    ]


@pytest.mark.parametrize(
    ("line", "negated"),
    [
        ("No known drug allergies", True),
        ("No Known Allergies", True),
        ("Patient is allergic to latex.", False),
    ],
)
def test_allergies_and_their_absence(line: str, negated: bool) -> None:
    (allergy,) = read(f"Allergies\n{line}\n").allergies

    assert allergy.negated is negated


def test_allergies_in_short_sentences_on_one_line_are_parted() -> None:
    record = read("Allergies: Ibuprofen (rash, this visit). Peanut (vomiting).\n")

    assert [(a.name, a.reaction) for a in record.allergies] == [("Ibuprofen", "rash"), ("Peanut", "vomiting")]


def test_names_with_commas_and_brackets_stay_whole_and_lists_on_one_line_are_split() -> None:
    record = read(
        "Allergies: Shellfish allergy; Allergy to peanuts; Dander (animal) allergy\n"
        "Problems: Hypertension, Asthma, Prediabetes\n"
        "Immunizations\n"
        "2018-10-02  Influenza, seasonal, injectable, preservative free\n"
        "Hep A, ped/adol, 2 dose - 2001-05-06\n"
    )

    assert [a.name for a in record.allergies] == ["Shellfish allergy", "Allergy to peanuts", "Dander (animal) allergy"]
    assert [c.name for c in record.conditions] == ["Hypertension", "Asthma", "Prediabetes"]
    assert [(i.name, i.date) for i in record.immunizations] == [
        ("Influenza, seasonal, injectable, preservative free", "2018-10-02"),
        ("Hep A, ped/adol, 2 dose", "2001-05-06"),
    ]


def test_no_inside_a_name_negates_nothing_else() -> None:
    record = read(
        "She has a history of Concussion with no loss of consciousness, Anemia (disorder) and Otitis media.\n"
    )

    assert {(c.name, c.negated) for c in record.conditions} == {
        ("Concussion with no loss of consciousness", False),
        ("Anemia (disorder)", False),
        ("Otitis media", False),
    }


def test_the_same_item_on_two_lines_becomes_one_with_all_its_fields() -> None:
    record = read("Medications\nMetformin 500 mg\nMetformin 500 mg PO BID\n\nResults\nGlucose 99 mg/dL\nGlucose 99\n")

    assert [(m.name, m.dose, m.frequency) for m in record.medications] == [("Metformin", "500 mg", "BID")]
    assert [(r.name, r.value, r.unit) for r in record.results] == [("Glucose", "99", "mg/dL")]


def test_prose_names_what_no_list_knows() -> None:
    record = read(
        "HOSPITAL COURSE\n\nShe presented with worsening dyspnea and was found to have cholangiocarcinoma. "
        "Serum ferritin was 1200 ng/mL. She was treated with gemcitabine and cisplatin.\n"
    )

    assert "cholangiocarcinoma" in {c.name for c in record.conditions}
    assert [(r.name, r.value, r.unit) for r in record.results] == [("ferritin", "1200", "ng/mL")]
    assert {"gemcitabine", "cisplatin"} <= {m.name for m in record.medications}


def test_an_allergy_told_as_a_condition_is_an_allergy() -> None:
    record = read("Dear colleague,\n\nShe has a documented shellfish allergy and hypertension.\n")

    assert [a.name.lower() for a in record.allergies] == ["shellfish allergy"]
    assert "shellfish allergy" not in {c.name.lower() for c in record.conditions}


def test_a_list_of_vaccines_in_a_sentence_is_taken_apart() -> None:
    record = read(
        "Dear colleague,\n\nHe received the following vaccines: Hep A, ped/adol, 2 dose; MMR; and IPV. Done.\n"
    )

    assert [i.name for i in record.immunizations] == ["Hep A, ped/adol, 2 dose", "MMR", "IPV"]


def test_a_code_printed_with_a_condition_is_taken_and_no_other_guessed() -> None:
    record = read("Problems\nCostal chondritis (733.6, M94.0)\nSome odd thing (Z99.999)\n")

    assert [(c.name, c.coding.code if c.coding else None) for c in record.conditions] == [
        ("Costal chondritis", "M94.0"),
        ("Some odd thing", None),
    ]


@pytest.mark.parametrize(
    ("text", "temporality"),
    [
        ("She has a two-day history of fever.", "current"),
        ("She has a history of asthma.", "historical"),
        ("MEDICAL HISTORY: Arthritis, gout and asthma.", "historical"),
    ],
)
def test_history_is_told_from_duration(text: str, temporality: str) -> None:
    conditions = read(f"Dear colleague,\n\n{text}\n").conditions

    assert conditions
    assert {c.temporality for c in conditions} == {temporality}


def test_a_history_told_with_a_date_for_each_is_a_list() -> None:
    record = read("PAST HISTORY\n\nViral sinusitis in May 2016, acute bronchitis in June 2018; concussion in 2003\n")

    assert {(c.name, c.date) for c in record.conditions} == {
        ("Viral sinusitis", "2016-05"),
        ("acute bronchitis", "2018-06"),
        ("concussion", "2003"),
    }


def test_a_sentence_below_a_list_of_medicines_is_read_as_one() -> None:
    record = read(
        "CURRENT MEDICATIONS\n\n- Loratadine 10 mg by mouth once daily\n"
        "He finished amoxicillin 875 mg by mouth twice daily on 03/20/2020 and doxycycline 100 mg\n"
        "by mouth twice daily on 04/19/2020, with relief for about ten days each time.\n"
    )

    assert {"Loratadine", "doxycycline"} <= {m.name for m in record.medications}
    assert not {"by mouth", "He finished amoxicillin"} & {m.name for m in record.medications}
