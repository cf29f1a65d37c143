"""Write the example documents, their truth and their manifest: ``python examples/generate.py --data DIR``."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from examples.generator.catalog import EXAMPLES, PEOPLE, Example
from examples.generator.charts import load_chart
from examples.generator.truth import Sheet

DOCUMENTS = Path(__file__).resolve().parent / "documents"


def main() -> None:
    """Read the bundles of ``--data`` and write everything under ``--out``."""
    parser = argparse.ArgumentParser(description="Write the example documents, their truth and their manifest.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the Synthea FHIR R4 bundles")
    parser.add_argument("--out", type=Path, default=DOCUMENTS, help="where to write (default: examples/documents)")
    arguments = parser.parse_args()
    (arguments.out / "truth").mkdir(parents=True, exist_ok=True)
    manifest = [_write(example, arguments.data, arguments.out) for example in EXAMPLES]
    _write_json(arguments.out / "manifest.json", manifest)


def _write(example: Example, data: Path, out: Path) -> dict[str, Any]:
    """Write one document and its truth; returns its line of the manifest."""
    person = PEOPLE[example.person]
    pdf, sheet = example.write(load_chart(data, person.family))
    pages = _check_printed(pdf, sheet)
    path = out / example.file
    path.write_bytes(pdf if example.finish is None else example.finish(pdf))
    head = {"file": example.file, "kind": example.kind, "patient": person.uuid, "pages": pages}
    _write_json(out / "truth" / f"{path.stem}.json", head | sheet.lists())
    return {
        "file": example.file,
        "kind": example.kind,
        "pages": pages,
        "format": example.format,
        "patient_uuid": person.uuid,
        "patient": person.label,
    }


def _check_printed(pdf: bytes, sheet: Sheet) -> int:
    """The number of pages, once all that the sheet holds is known to stand on them.

    Raises:
        ValueError: the truth says something the page does not.
    """
    document = pdfium.PdfDocument(pdf)
    try:
        text = _letters("".join(page.get_textpage().get_text_bounded() for page in document))
        missing = sum(_letters(printed) not in text for printed in sheet.printed_strings())
        if missing:
            raise ValueError(f"{missing} strings of the truth do not stand on the pages")
        return len(document)
    finally:
        document.close()


def _letters(text: str) -> str:
    """Letters and digits only, so that line breaks and the hyphens at them do not matter."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
