"""Writes record.schema.json from the record's model."""

from __future__ import annotations

import json
from pathlib import Path

from exora.domain.record import Record

PAGE = Path(__file__).with_name("record.schema.json")


def reference() -> str:
    """The schema."""
    return json.dumps(Record.model_json_schema(by_alias=True), indent=2) + "\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
