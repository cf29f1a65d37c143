"""Reads pictures of single lines with PP-OCR's recognition model: characters, and where along the line they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

#: The model's input: lines are scaled to this height.
_HEIGHT = 48
#: Lines of similar width are read together; more at once costs memory and gains nothing on one thread.
_BATCH = 6
#: A blank between two words is often only this probable, because training texts lack many: measured in
#: docs/explanation/ocr.md.
_SPACE_PROBABILITY = 0.05
#: Letters beside ASCII that English medical print uses; the model knows 18,000 more, which it takes specks for.
_MORE_LETTERS = frozenset("°µμ±£€×÷½¼¾²³•–—’‘“”…≤≥αβéèêëáàâäíîïóôöúüñçÉÜÖÄ")


class Character(NamedTuple):
    """One character, its probability, and its middle along the line (0-1); an unlikely blank is only a guess."""

    text: str
    probability: float
    at: float


class Recognizer:
    """PP-OCR's recognition model.

    Args:
        model: the ONNX file; its alphabet is in its metadata.
        options: of the session.
    """

    def __init__(self, model: Path, options: Any) -> None:
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        alphabet = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        # CTC: index 0 is no character at all; the blank between words comes last.
        self._alphabet = ["", *alphabet, " "]
        self._space = len(self._alphabet) - 1
        self._strange = np.array(
            [not (len(each) == 1 and (" " <= each <= "~" or each in _MORE_LETTERS)) for each in self._alphabet]
        )
        self._strange[0] = False

    def read(self, lines: Sequence[Image]) -> list[list[Character]]:
        """Read pictures of lines, each upright, in BGR."""
        read: list[list[Character]] = [[] for _ in lines]
        order = sorted(range(len(lines)), key=lambda index: lines[index].shape[1] / lines[index].shape[0])
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            widths = [math.ceil(_HEIGHT * lines[index].shape[1] / lines[index].shape[0]) for index in batch]
            widest = max(320, *widths)
            stacked = np.stack(
                [_normalized(lines[index], width, widest) for index, width in zip(batch, widths, strict=True)]
            )
            scores = self._session.run(None, {self._input: stacked})[0]
            for row, (index, width) in enumerate(zip(batch, widths, strict=True)):
                read[index] = self._decode(scores[row], scores.shape[1] * width / widest)
        return read

    def _decode(self, scores: Floats, length: float) -> list[Character]:
        """The most probable characters of a line; a blank counts where it is only fairly probable.

        Args:
            scores: probabilities by step and character.
            length: how many steps the line itself takes; the rest is padding.
        """
        blanks = scores[:, self._space].copy()
        scores[:, self._strange] = 0
        best = scores.argmax(axis=1)
        found: list[Character] = []
        before, last = 0, -1
        for step, index in enumerate(best):
            if index not in (0, before):
                if found and index != self._space and found[-1].text != " ":
                    between = blanks[last + 1 : step]
                    if between.size and between.max() > _SPACE_PROBABILITY:
                        found.append(Character(" ", float(between.max()), ((last + step) / 2 + 0.5) / length))
                found.append(Character(self._alphabet[index], float(scores[step, index]), (step + 0.5) / length))
                last = step
            before = index
        return found


def _normalized(line: Image, width: int, widest: int) -> Floats:
    """A line at the model's height, padded to the widest of its batch, values from -1 to 1."""
    scaled = cv2.resize(line, (width, _HEIGHT)).astype(np.float32)
    padded = np.zeros((3, _HEIGHT, widest), np.float32)
    padded[:, :, :width] = scaled.transpose(2, 0, 1) / 127.5 - 1
    return padded
