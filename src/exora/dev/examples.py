"""The example documents: where they are and what they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from exora.errors import ConfigurationError

#: In a wheel they lie beside this file; in a checkout in examples/documents.
_PLACES = (Path(__file__).parent / "examples", Path(__file__).parents[3] / "examples" / "documents")


@dataclass(frozen=True, slots=True)
class Example:
    """One example document. ``patient`` is a label such as "Patient A"."""

    path: Path
    file: str
    kind: str
    pages: int
    patient: str

    def read(self) -> bytes:
        """The document's bytes."""
        return self.path.read_bytes()


def examples() -> tuple[Example, ...]:
    """All example documents, in the order of the manifest.

    Raises:
        ConfigurationError: this installation came without them.
    """
    for place in _PLACES:
        manifest = place / "manifest.json"
        if manifest.exists():
            entries = json.loads(manifest.read_text(encoding="utf-8"))
            return tuple(
                Example(place / entry["file"], entry["file"], entry["kind"], entry["pages"], entry["patient"])
                for entry in entries
            )
    raise ConfigurationError(
        "this installation has no example documents", remedy="Install exora from its wheel or run it from a checkout"
    )
