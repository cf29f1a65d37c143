"""How far recognized text is from the truth: edit distance, word bags, overlap of boxes."""

from __future__ import annotations

import string
from collections.abc import Sequence

import numpy as np

Rectangle = Sequence[float]


def edit_distance(truth: Sequence[object], found: Sequence[object]) -> int:
    """Levenshtein's distance: insertions, deletions and substitutions from one sequence to the other."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys([*truth, *found]))}
    wanted, got = (np.array([numbers[value] for value in values], np.int64) for values in (truth, found))
    steps = np.arange(len(got) + 1)
    row = steps
    for number, value in enumerate(wanted, 1):
        # Deletions and substitutions of a whole row at once; insertions run along it as a running minimum.
        best = np.concatenate(([number], np.minimum(row[1:] + 1, row[:-1] + (got != value))))
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def plain_words(words: Sequence[str]) -> list[str]:
    """Words in lower case without outer punctuation; those of nothing else are left out."""
    return [plain for word in words if (plain := word.lower().strip(string.punctuation))]


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Intersection over union of two rectangles ``x0, y0, x1, y1``."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(across, 0.0) * max(down, 0.0)
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared
    return shared / both if both > 0 else 0.0
