"""The quality measurement: counting, and a report over whatever sets a folder holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from quality.aims import AIMS, reached
from quality.counting import Counts, bags, overlapping, strict

ROWS = [
    ("fever", "The patient denies FEVER.", "Negated", "Recent"),
    ("asthma", "History of ASTHMA.", "Affirmed", "Historical"),
    ("pain", "He has PAIN.", "Affirmed", "Recent"),
]


def test_strict_spans_match_whole_and_overlapping_ones_by_a_character() -> None:
    truth, found = [(0, 4), (10, 14)], [(0, 4), (13, 20), (30, 31)]

    assert strict(truth, found) == Counts(1, 3, 1, 2)
    assert overlapping(truth, found) == Counts(2, 3, 2, 2)
    assert round(overlapping(truth, found).f1, 3) == 0.8


def test_bags_count_a_value_as_often_as_both_hold_it() -> None:
    assert bags(["a", "a", "b"], ["a", "b", "b"]) == Counts(2, 3, 2, 3)


def test_nothing_wanted_and_nothing_found_is_right() -> None:
    assert Counts().f1 == 1
    assert Counts(found=1).f1 == 0


def test_every_aim_can_be_judged() -> None:
    assert all(reached(aim, aim.bound) for aim in AIMS.values())
    assert not reached(AIMS["rendered.clean_cer"], 1)


def test_the_command_scores_the_sets_a_folder_holds(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "context-assertion"
    folder.mkdir(parents=True)
    lines = ["\t".join((str(n), " ", *row, "Patient")) for n, row in enumerate(ROWS)]
    (folder / "assertions.tsv").write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "quality", "--data", str(tmp_path / "data"), "--out", str(tmp_path)]

    ran = subprocess.run([*command, "--set", "context-assertion"], capture_output=True, text=True, check=True)

    scores = json.loads((tmp_path / "quality.json").read_text())
    assert scores["context-assertion"]["negation_f1"] == 1
    assert scores["context-assertion"]["historical_f1"] == 1
    assert "reached" in ran.stdout
    assert (tmp_path / "quality.png").stat().st_size > 0


def test_an_unknown_set_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "quality", "--data", str(tmp_path), "--set", "nonsense"]

    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ran.returncode == 2
    assert "context-assertion" in ran.stderr
