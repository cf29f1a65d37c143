"""Writes errors.md from the exception tree and its table of SQLSTATEs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

from exora.cli.output import exit_code
from exora.errors import SQLSTATE_ERRORS, ExoraError

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """---
hide: [toc]
---

# Errors

Everything that Exora raises on purpose is an `ExoraError` with a stable `code` for programs, a message that says what
happened, a `remedy` that says what to do, and where one is at fault the `field`. None of them ever holds content of a
document, a name, a file name or a secret: they may be logged, and are.

From SQL, an error carries the SQLSTATE below, the field in `DETAIL` and the remedy in `HINT`. Over REST the HTTP
status is the number in `PTxyz`. The command line ends with the exit code.

| what a [handler](../howto/own-handler.md) raises | what becomes of the attempt |
| --- | --- |
| `DocumentError`, `BadInput` | dead letter at once, cause `permanent`: trying again cannot help |
| `NoCapacity`, `RateLimited`, `QuotaExhausted`, `KeyRefused` | put off until the API has room; no retry is burnt |
| `LostClaim` | nothing is written: another worker has the job |
| anything else | retried with backoff; after the last retry a dead letter, cause `exhausted` |

Of an exception that is not Exora's only its class, its SQLSTATE and its place in the code are kept.

This page is made by `make reference`.

## The tree

<div class="tree" markdown>

| error | `code` | SQLSTATE | exit | meaning | remedy |
| --- | --- | --- | --- | --- | --- |
"""


def reference() -> str:
    """The page."""
    return _HEAD + "".join(_rows(ExoraError, 0, "")) + "\n</div>\n"


def _rows(kind: type[ExoraError], depth: int, inherited: str) -> Iterator[str]:
    states = ", ".join(f"`{state}`" for state, one in SQLSTATE_ERRORS.items() if one is kind) or inherited
    indent = "&emsp;" * depth
    meaning = _first_paragraph(kind)
    remedy = _cell(kind.default_remedy) or "said by the error itself"
    yield f"| {indent}`{kind.__name__}` | `{kind.code}` | {states} | {exit_code(kind)} | {meaning} | {remedy} |\n"
    for inner in kind.__subclasses__():
        if inner.__bases__[0] is kind:
            yield from _rows(inner, depth + 1, states)


def _first_paragraph(kind: type[ExoraError]) -> str:
    return _cell(inspect.cleandoc(kind.__doc__ or "").split("\n\n", 1)[0]).replace("``", "`")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
