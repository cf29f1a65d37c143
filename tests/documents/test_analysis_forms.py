"""Forms and prints: labels in boxes above values, labels in the margin, boxes to tick, entries side by side."""

from __future__ import annotations

import pytest

from exora.domain.record import Record
from tests.documents.test_analysis_layouts import page, read, rows
from tests.documents.test_analysis_unlisted import text

FOUR = [40.0, 170.0, 300.0, 430.0]


def measured(record: Record) -> list[tuple[str, str, str | None]]:
    return [(r.name, r.value, r.unit) for r in record.results]


def test_a_box_holds_its_label_above_its_value() -> None:
    boxes = [
        ["Heart rate", "Lactate", "Sodium", "GGT"],
        ["72 bpm", "1.2 mmol/L", "140 mmol/L", "38 U/L"],
        ["Free T4", "Temperature", "", ""],
        ["1.1 ng/dL", "36.8 °C", "", ""],
    ]
    record = read(page([(40, 40, "Results"), *rows(60, 13, FOUR, boxes)]))

    assert sorted(measured(record)) == sorted(
        [
            ("Heart rate", "72", "bpm"), ("Lactate", "1.2", "mmol/L"), ("Sodium", "140", "mmol/L"),
            ("GGT", "38", "U/L"), ("Free T4", "1.1", "ng/dL"), ("Temperature", "36.8", "°C"),
        ]
    )  # fmt: skip


def test_a_label_in_a_box_may_take_two_lines() -> None:
    boxes = [["Alkaline", "Chloride", "Albumin"], ["phosphatase", "101 mmol/L", "4.1 g/dL"], ["88 U/L", "", ""]]
    record = read(page([(40, 40, "Results"), *rows(60, 12, FOUR, boxes)]))
    assert sorted(measured(record)) == [
        ("Albumin", "4.1", "g/dL"),
        ("Alkaline phosphatase", "88", "U/L"),
        ("Chloride", "101", "mmol/L"),
    ]


def test_a_header_over_rows_of_values_is_no_row_of_boxes() -> None:
    table = [["Visit", "Weight", "Pulse"], ["First", "81 kg", "70 bpm"], ["Second", "83 kg", "72 bpm"]]
    record = read(page([(40, 40, "Vital signs"), *rows(60, 14, FOUR, table)]))
    assert not any("First" in r.name or "Second" in r.name for r in record.results)


def test_labels_in_the_margin_name_the_lists_beside_them() -> None:
    form = [
        ["Diagnosis list", "Gout (2015-06-30)"],
        ["", "Asthma"],
        ["Allergies", "Latex, Peanuts, Penicillin"],
        ["Current medication", "Apixaban 5 mg"],
        ["", "Aspirin 81 mg"],
    ]
    record = read(page(rows(60, 15, [40, 170], form)))
    assert [c.name for c in record.conditions] == ["Gout", "Asthma"]
    assert [a.name for a in record.allergies] == ["Latex", "Peanuts", "Penicillin"]
    assert [m.name for m in record.medications] == ["Apixaban", "Aspirin"]


@pytest.mark.parametrize(("ticked", "empty"), [("✔", "❏"), ("■", "□"), ("(X)", "( )"), ("☒", "☐")])
def test_an_empty_square_says_nothing_where_others_are_ticked(ticked: str, empty: str) -> None:
    record = text(f"MEDICAL HISTORY\n\n{ticked} Asthma {empty} Stroke {ticked} Gout\n{empty} Tuberculosis\n")
    assert [c.name for c in record.conditions] == ["Asthma", "Gout"]


def test_squares_alone_are_bullets() -> None:
    record = text("MEDICAL HISTORY\n\n❏ Asthma\n❏ Gout\n")
    assert [c.name for c in record.conditions] == ["Asthma", "Gout"]


def test_entries_of_a_list_may_stand_side_by_side() -> None:
    listed = [
        ["ACL reconstruction 2020-11-20", "Stress test 2009-06-08"],
        ["Coronary artery bypass 2019-10-21", "Endarterectomy 2014-06-08"],
        ["Tubal ligation 2022-08-01", ""],
    ]
    record = read(page([(40, 40, "Procedures"), *rows(60, 14, [40, 300], listed)]))
    assert {p.name for p in record.procedures} == {
        "ACL reconstruction", "Coronary artery bypass", "Tubal ligation", "Stress test", "Endarterectomy",
    }  # fmt: skip


def test_what_belongs_to_an_entry_is_no_entry_beside_it() -> None:
    record = read(page([(40, 40, "Allergies"), *rows(60, 14, [40, 300], [["Latex", "Hives"], ["Eggs", "Rash"]])]))
    assert [a.name for a in record.allergies] == ["Latex", "Eggs"]


def test_a_code_in_the_margin_and_a_number_sign_are_no_names() -> None:
    table = [["G43.009", "Epilepsy", "2012-06-14"], ["I10", "Glaucoma", "2022-02-06"]]
    record = read(page([(40, 40, "Problem list"), *rows(60, 14, [40, 110, 400], table)]))
    assert [c.name for c in record.conditions] == ["Epilepsy", "Glaucoma"]

    record = text("PROBLEM LIST\n\n#1 Epilepsy [G40.909] - stable\n#2 Glaucoma - improved\n")
    assert [c.name for c in record.conditions] == ["Epilepsy", "Glaucoma"]


def test_a_list_of_results_goes_on_between_a_value_and_its_unit() -> None:
    full = "2019-03-12: Magnesium 1.8 mg/dL; Chloride 106 mmol/L; Hematocrit 30.1"
    record = text(f"RESULTS\n\n{full}\n%; D-dimer 683 ng/mL\n2017-10-19: Magnesium 2.3 mg/dL; Hematocrit 35.3 %\n")
    assert ("Hematocrit", "30.1", "%") in measured(record)


def test_a_date_leads_no_header() -> None:
    listed = [["12 May 2014", "Lumbar puncture"], ["7 Jun 2016", "Bronchoscopy"], ["5 Sep 2022", "Vasectomy"]]
    record = read(page([(40, 40, "Procedures"), *rows(60, 14, [40, 140], listed)]))
    assert [p.name for p in record.procedures] == ["Lumbar puncture", "Bronchoscopy", "Vasectomy"]


@pytest.mark.parametrize("mark", ["X", "✔", "Yes", "[X]"])
def test_a_mark_under_no_denies_its_row(mark: str) -> None:
    table = [
        ["Condition", "Yes", "No"],
        ["Asthma", mark, ""],
        ["Stroke", "", "No" if mark == "Yes" else mark],
        ["Gout", mark, ""],
    ]
    record = read(page([(40, 40, "Medical history"), *rows(60, 14, [40, 300, 360], table)]))
    assert [c.name for c in record.conditions if not c.negated] == ["Asthma", "Gout"]


def test_a_column_of_answers_denies_rows() -> None:
    table = [
        ["Vaccine", "Y/N", "Date given"],
        ["Tdap", "Y", "2019-03-12"],
        ["Rabies", "N", ""],
        ["MMR", "Y", "2001-05-05"],
    ]
    record = read(page([(40, 40, "Immunizations"), *rows(60, 14, [40, 200, 300], table)]))
    assert [v.name for v in record.immunizations] == ["Tdap", "MMR"]


def test_an_answer_behind_a_colon_denies_its_line() -> None:
    record = text("MEDICAL HISTORY\n\nAsthma: Yes\nStroke: No\nGout: Yes\nSeizures ...... No\n")
    assert [c.name for c in record.conditions if not c.negated] == ["Asthma", "Gout"]


def test_a_question_is_no_entry() -> None:
    record = text("ALLERGIES\n\nAny allergies? Yes If yes, specify:\nLatex\nNickel\n")
    assert [a.name for a in record.allergies] == ["Latex", "Nickel"]


def test_medicines_stand_in_groups_by_what_to_do_with_them() -> None:
    listed = [
        ("CONTINUE taking", 40), ("Ramipril 5 mg - daily", 55), ("Pregabalin 75 mg - daily", 55),
        ("CHANGE how you take", 40), ("Methotrexate 2.5 mg - weekly", 55), ("START taking", 40), ("None", 55),
        ("STOP taking", 40), ("Warfarin 5 mg", 55),
    ]  # fmt: skip
    printed = [(40.0, 40.0, "Medications"), *((float(x), 60.0 + 13 * n, t) for n, (t, x) in enumerate(listed))]
    record = read(page(printed))
    assert [(m.name, m.status) for m in record.medications] == [
        ("Ramipril", "active"),
        ("Pregabalin", "active"),
        ("Methotrexate", "active"),
        ("Warfarin", "stopped"),
    ]


def test_what_is_due_was_not_given() -> None:
    given = [["Vaccine", "Date given"], ["Tdap", "2019-03-12"], ["MMR", "2001-05-05"]]
    due = [["Vaccine", "Due on", "Status"], ["Cholera", "01/15/2027", "Overdue"], ["Typhoid", "01/15/2027", "Due now"]]
    printed = [(40.0, 40.0, "Immunizations"), *rows(60, 14, [40, 200], given), (40.0, 120.0, "Vaccines Due")]
    record = read(page([*printed, *rows(140, 14, [40, 200, 300], due)]))
    assert [v.name for v in record.immunizations] == ["Tdap", "MMR"]


def test_a_range_told_before_the_value_is_no_result() -> None:
    record = text(
        "RESULTS\n\nTroponin I\nNormal: 0.1-0.9 ng/mL\nYour value: 0.68 ng/mL\nCollected June 21, 2019\n\n"
        "Lactate\nReference range 0.5 to 2.0 mmol/L\nYour value: 1.2 mmol/L\nCollected June 21, 2019\n"
    )
    assert measured(record) == [("Troponin I", "0.68", "ng/mL"), ("Lactate", "1.2", "mmol/L")]


def test_keys_of_cards_are_known_by_what_stands_behind_them() -> None:
    record = text(
        "PROCEDURES\n\nWhat Was Performed: Tubal ligation\nProc. Date: August 1, 2022\n\n"
        "What Was Performed: Stress test\nProc. Date: June 8, 2009\n\n"
        "RESULTS\n\nVariable: Free T4\nIt Was: 1.1 ng/dL\nWhen: 2019-03-12\n\n"
        "Variable: Albumin\nIt Was: 4.2 g/dL\nWhen: 2019-03-12\n"
    )
    assert [(p.name, p.date) for p in record.procedures] == [
        ("Tubal ligation", "2022-08-01"),
        ("Stress test", "2009-06-08"),
    ]
    assert measured(record) == [("Free T4", "1.1", "ng/dL"), ("Albumin", "4.2", "g/dL")]


def test_among_lines_that_are_lists_any_short_label_heads_one() -> None:
    record = text(
        "PMH: Glaucoma; Gout; Asthma\nAll: Naproxen; Tree nuts\nPSH: Vasectomy; Bronchoscopy\n"
        "Takes: Sitagliptin 100 mg; Pregabalin 75 mg\n"
    )
    assert [c.name for c in record.conditions] == ["Glaucoma", "Gout", "Asthma"]
    assert [a.name for a in record.allergies] == ["Naproxen", "Tree nuts"]
    assert [p.name for p in record.procedures] == ["Vasectomy", "Bronchoscopy"]
    assert [m.name for m in record.medications] == ["Sitagliptin", "Pregabalin"]


def test_names_with_dates_behind_dashes_are_no_labels() -> None:
    record = text(
        "IMMUNIZATIONS\n\nTd booster - 2012-12-28\nVaricella vaccine - 2022-02-11\nFlu shot - 2019-10-27\n\n"
        "ALLERGIES\n\nEggs - 2014-03-03\nShellfish - 2017-06-22\n"
    )
    assert [v.name for v in record.immunizations] == ["Td booster", "Varicella vaccine", "Flu shot"]
    assert [a.name for a in record.allergies] == ["Eggs", "Shellfish"]


def test_below_days_that_stand_alone_a_label_tells_what_happened() -> None:
    record = text(
        "TIMELINE\n\n2019-03-05\nOperation: Vasectomy\n2018-04-26\nDiagnosis made: Glaucoma\n2017-05-11\n"
        "Operation: Bronchoscopy\nDiagnosis made: Gout\n"
    )
    assert [p.name for p in record.procedures] == ["Vasectomy", "Bronchoscopy"]
    assert [c.name for c in record.conditions] == ["Glaucoma", "Gout"]


def test_a_date_over_two_lines_opens_one_row_of_figures() -> None:
    table = [
        ["Date", "Sodium", "Chloride"], ["Units", "mmol/L", "mmol/L"], ["January 13,", "140", "101"],
        ["2019", "", ""], ["February 1,", "138", "99"], ["2018", "", ""],
    ]  # fmt: skip
    record = read(page([(40, 40, "Results"), *rows(60, 12, FOUR, table)]))
    assert sorted((r.name, r.value, r.date) for r in record.results) == [
        ("Chloride", "101", "2019-01-13"), ("Chloride", "99", "2018-02-01"),
        ("Sodium", "138", "2018-02-01"), ("Sodium", "140", "2019-01-13"),
    ]  # fmt: skip
