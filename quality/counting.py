"""Precision, recall and F1 from counts, for entities with offsets and for lists of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

Span = tuple[int, int]


@dataclass
class Counts:
    """True positives (counted from both sides, for overlaps need not be one to one), and what they are out of."""

    found_right: int = 0
    found: int = 0
    truth_found: int = 0
    truth: int = 0

    def add(self, other: Counts) -> None:
        """Adds the counts of another document."""
        self.found_right += other.found_right
        self.found += other.found
        self.truth_found += other.truth_found
        self.truth += other.truth

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 1 if nothing was found and nothing was to be found."""
        return self.found_right / self.found if self.found else float(not self.truth)

    @property
    def recall(self) -> float:
        """Share of what was to be found that was found."""
        return self.truth_found / self.truth if self.truth else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def strict(truth: Iterable[Span], found: Iterable[Span]) -> Counts:
    """Counts where only equal spans match."""
    wanted, got = set(truth), set(found)
    both = len(wanted & got)
    return Counts(both, len(got), both, len(wanted))


def overlapping(truth: Sequence[Span], found: Sequence[Span]) -> Counts:
    """Counts where a span matches any that shares a character with it."""
    right = sum(1 for a, b in found if any(a < d and c < b for c, d in truth))
    reached = sum(1 for c, d in truth if any(a < d and c < b for a, b in found))
    return Counts(right, len(found), reached, len(truth))


def bags(truth: Iterable[Hashable], found: Iterable[Hashable]) -> Counts:
    """Counts over multisets: every value matches as often as it is in both."""
    wanted, got = Counter(truth), Counter(found)
    both = sum((wanted & got).values())
    return Counts(both, sum(got.values()), both, sum(wanted.values()))
