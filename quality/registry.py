"""The sets that can be scored: each module of ``quality.sets`` registers one or more with ``@scored``."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from quality import sets

Item = TypeVar("Item")
#: What a set's scorer returns: measure to number. A share is between 0 and 1.
Measures = dict[str, float]


@dataclass(frozen=True)
class Mistake:
    """One error worth a look: the measure it counts in, where it is, what was wanted and what was got."""

    measure: str
    where: str
    wanted: str
    got: str


@dataclass
class Run:
    """One set being scored: where its data is, how many items at most, and the errors met.

    Attributes:
        data: the folder with one sub-folder per data set.
        limit: at most this many items (documents, images, rows) of each data set, evenly spread; None for all.
        mistakes: errors for ``build/quality-mistakes.json``; a scorer adds to them with ``miss``.
        notes: remarks printed under the table.
    """

    data: Path
    limit: int | None = None
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def folder(self, name: str) -> Path:
        """The folder of a data set; it may be missing."""
        return self.data / name

    def files(self, name: str, pattern: str) -> list[Path]:
        """The files of a data set that match the pattern, sorted and limited; none where the folder is missing."""
        return self.some(sorted(self.folder(name).glob(pattern)))

    def some(self, items: Sequence[Item]) -> list[Item]:
        """The items, or ``limit`` of them, the same ones each time."""
        if self.limit is None or len(items) <= self.limit:
            return list(items)
        chosen = sorted(random.Random(0).sample(range(len(items)), self.limit))  # noqa: S311 - a sample, not a secret
        return [items[index] for index in chosen]

    def miss(self, measure: str, where: str, wanted: object, got: object) -> None:
        """Notes an error."""
        self.mistakes.append(Mistake(measure, where, str(wanted), str(got)))


Scorer = Callable[[Run], Measures]


@dataclass(frozen=True)
class ScoredSet:
    """A set of the table: its name there, the data folders it reads (any of them is enough), and its scorer."""

    name: str
    folders: tuple[str, ...]
    score: Scorer

    def available(self, data: Path) -> bool:
        """Whether there is anything to score; a set without folders makes its own documents."""
        return not self.folders or any((data / folder).is_dir() for folder in self.folders)


_SETS: dict[str, ScoredSet] = {}


def scored(name: str, *folders: str) -> Callable[[Scorer], Scorer]:
    """Registers the scorer of a set.

    Args:
        name: the set's name in the table and in ``quality.json``.
        folders: the data folders it reads; without any it is always scored.
    """

    def register(scorer: Scorer) -> Scorer:
        if name in _SETS:
            raise ValueError(f"two modules score the set {name}")
        _SETS[name] = ScoredSet(name, folders, scorer)
        return scorer

    return register


def all_sets() -> list[ScoredSet]:
    """Every set that a module of ``quality.sets`` registers, by name."""
    for module in pkgutil.iter_modules(sets.__path__):
        importlib.import_module(f"{sets.__name__}.{module.name}")
    return [_SETS[name] for name in sorted(_SETS)]
