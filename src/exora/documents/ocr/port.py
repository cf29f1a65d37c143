"""The seam between pages and whatever recognizes their characters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from PIL import Image

from exora.domain.document import Line

Rotation = Literal[0, 90, 180, 270]


@dataclass(frozen=True, slots=True)
class OcrResult:
    """What an engine read in one image.

    Attributes:
        lines: words as the engine grouped them; boxes are fractions of the upright page.
        rotation: degrees, counter-clockwise, by which the image was turned to stand upright.
    """

    lines: tuple[Line, ...]
    rotation: Rotation


class OcrEngine(Protocol):
    """Recognizes the characters of one page image at a time."""

    @property
    def name(self) -> str:
        """The engine and its version, e.g. "tesseract 5.5.4"."""
        ...

    def recognize(self, image: Image.Image, dpi: int | None) -> OcrResult:
        """Read a page image.

        Args:
            image: the page in grey (mode "L"), in any of the four orientations.
            dpi: pixels per inch of the printed page, None when unknown.
        """
        ...
