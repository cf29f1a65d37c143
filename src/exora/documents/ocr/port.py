"""The seam between pages and whatever recognizes their characters, on this machine or elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from exora.documents.pool import ChildPool
from exora.domain.document import Line
from exora.errors import DocumentError

R = TypeVar("R")
Rotation = Literal[0, 90, 180, 270]


@dataclass(frozen=True, slots=True)
class OcrResult:
    """What an engine read in one picture.

    Attributes:
        lines: words as the engine grouped them; boxes are fractions of the upright picture.
        rotation: degrees, counter-clockwise, by which the picture was turned to stand upright.
        engine: what read it, with its version, e.g. "tesseract 5.5.4".
    """

    lines: tuple[Line, ...]
    rotation: Rotation
    engine: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A page that has to be recognized from its pixels, described.

    Attributes:
        number: of the page, from 1.
        sha256: over size, resolution and pixels, in hex: equal pictures have equal results.
        width, height: in pixels.
        dpi: pixels per inch of the printed page, None when unknown.
    """

    number: int
    sha256: str
    width: int
    height: int
    dpi: int | None


class Pictures(Protocol):
    """The pictures of one document's pages, drawn when asked for."""

    @property
    def content(self) -> bytes:
        """The document they belong to."""
        ...

    async def png(self, picture: Picture) -> bytes:
        """A picture in grey as a PNG file.

        Raises:
            DocumentError: it cannot be drawn any more.
        """
        ...

    async def here(
        self, function: Callable[..., R], picture: Picture, *arguments: object, pool: ChildPool | None = None
    ) -> R:
        """Run ``function(content, number, limits, *arguments)`` of an engine of this machine in a child process.

        Args:
            function: a module-level function of Exora's.
            picture: gives the number.
            arguments: further ones.
            pool: of which child processes; None = those that read pages.

        Raises:
            DocumentError: the function's, or that the page ran into a limit or crashed its process.
        """
        ...


#: Called with each picture's result, or with why this one cannot be read, as soon as that is known.
Report = Callable[[Picture, OcrResult | DocumentError], Awaitable[None]]


class OcrEngine(Protocol):
    """Recognizes the characters of pictures, several at a time."""

    @property
    def name(self) -> str:
        """Everything its results depend on: engines, versions and models. Part of the address of stored results."""
        ...

    async def recognize(self, wanted: Sequence[Picture], pictures: Pictures, report: Report) -> None:
        """Read some pictures of one document, in whatever order and packing suits the engine.

        Args:
            wanted: the pictures; each is reported exactly once, unless the call raises.
            pictures: draws them.
            report: takes each result when it is there, so that it is kept whatever happens to the others.

        Raises:
            ExoraError: no more can be read now, though not for any fault of the document.
        """
        ...
