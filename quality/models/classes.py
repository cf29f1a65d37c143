"""Groups words by the company they keep in the training texts, so that a rare word is known by its likes.

Each word is described by what stands before and after it (positive pointwise mutual information, Church and Hanks
1990), brought down to a few dimensions (Halko, Martinsson and Tropp 2011) and gathered by spherical k-means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from exora.documents.analysis.context import sentences
from exora.documents.analysis.features import plain_word, tokenize

#: How many groups: finer ones and coarser ones.
SIZES = (256, 64)
_LEAST, _NEIGHBORS, _DIMENSIONS, _ROUNDS, _SEED = 3, 1200, 50, 25, 0
#: Where a neighbor stands, and what it counts.
_PLACES = ((-1, 1.0), (1, 1.0), (-2, 0.5), (2, 0.5))
_EDGE = ["<s>", "<s>"]
Matrix = NDArray[np.float32]


def word_classes(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """The groups of every word that stands in the texts three times, one number for each of ``SIZES``."""
    spoken = [
        [plain_word(token.text) for token in tokenize(text, start, end)]
        for text in texts
        for start, end in sentences(text)
    ]
    often = Counter(word for words in spoken for word in words)
    known = [word for word, count in sorted(often.items(), key=lambda each: (-each[1], each[0])) if count >= _LEAST]
    places = _described(_company(spoken, known))
    weights = np.sqrt(np.array([often[word] for word in known], dtype=np.float32))
    groups = [_gathered(places, weights, size) for size in SIZES]
    return {word: tuple(int(group[index]) for group in groups) for index, word in enumerate(known)}


def _company(spoken: list[list[str]], known: list[str]) -> Matrix:
    """How often each word has each of the commonest words at each place, as mutual information."""
    rows = {word: index for index, word in enumerate(known)}
    columns = {word: index for index, word in enumerate([*known[:_NEIGHBORS], _EDGE[0]])}
    counts = np.zeros((len(rows), len(_PLACES) * len(columns)), dtype=np.float32)
    for words in spoken:
        padded = [*_EDGE, *words, *_EDGE]
        for at in range(2, len(padded) - 2):
            row = rows.get(padded[at])
            if row is None:
                continue
            for number, (offset, weight) in enumerate(_PLACES):
                column = columns.get(padded[at + offset])
                if column is not None:
                    counts[row, number * len(columns) + column] += weight
    smoothed = counts.sum(axis=0, keepdims=True) ** 0.75
    expected = counts.sum(axis=1, keepdims=True) * smoothed / max(float(smoothed.sum()), 1.0)
    ratio = np.divide(counts, expected, out=np.ones_like(counts), where=(counts > 0) & (expected > 0))
    information: Matrix = np.log(np.maximum(ratio, 1.0))
    return information


def _described(company: Matrix) -> Matrix:
    """Each word as a direction in a few dimensions."""
    draw = np.random.default_rng(_SEED)
    basis = draw.standard_normal((company.shape[1], min(_DIMENSIONS + 14, *company.shape)), dtype=np.float32)
    for _ in range(4):
        basis = np.linalg.qr(company.T @ (company @ basis))[0]
    left, strength, _ = np.linalg.svd(company @ basis, full_matrices=False)
    return _unit(left[:, :_DIMENSIONS] * np.sqrt(strength[:_DIMENSIONS]))


def _gathered(places: Matrix, weights: Matrix, size: int) -> NDArray[np.intp]:
    """The group of each word; it starts from words drawn among the common ones."""
    draw = np.random.default_rng(_SEED)
    size = min(size, len(places))
    centers = places[draw.choice(min(len(places), 6 * size), size, replace=False)]
    nearest: NDArray[np.intp] = (places @ centers.T).argmax(axis=1)
    for _ in range(_ROUNDS):
        for group in range(size):
            inside = nearest == group
            if inside.any():
                centers[group] = (places[inside] * weights[inside, None]).sum(axis=0)
        centers = _unit(centers)
        nearest = (places @ centers.T).argmax(axis=1)
    return nearest


def _unit(rows: Matrix) -> Matrix:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), dtype=np.float32)
