"""Answers for the stand-in of OpenAI that make sense: the local analyzer reads the pages it is asked about."""

from __future__ import annotations

import json
import re
from typing import Any

from exora.testing.providers.openai import emptiest_reply

_PAGE = re.compile(r"^=== page (\d+) ===$", re.MULTILINE)
_LISTS = ("encounters", "medications", "conditions", "allergies", "results", "procedures", "immunizations")


def read_here(body: dict[str, Any]) -> str:
    """The answer to a request for a record, as a model would give it that reads as the local analyzer does; the
    emptiest to a request for anything else."""
    if not any(_PAGE.search(message["content"]) for message in body["messages"][1:]):
        return emptiest_reply(body)
    from exora.documents.analysis.local import analyze_text

    _, *parts = _PAGE.split(body["messages"][1]["content"])
    answer: dict[str, Any] = {name: [] for name in _LISTS}
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        record = json.loads(analyze_text(text, sha256="0" * 64).to_json())
        answer.setdefault("document_type", record["document"]["type"])
        answer.setdefault("language", record["document"]["language"])
        answer.setdefault("patient", record["patient"])
        for name in _LISTS:
            for item in record[name]:
                quote = item.pop("source")["quote"]
                del item["coding"], item["confidence"]
                answer[name].append(item | {"page": int(number), "quote": quote})
    return json.dumps(answer)
