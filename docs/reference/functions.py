"""Writes functions.md from the comments and signatures in src/exora/sql/functions."""

from __future__ import annotations

import re
from pathlib import Path

from exora.sql.migrate import door, functions

PAGE = Path(__file__).with_suffix(".md")
_HEAD = """# Functions

The door to the database: functions in schema `public`, granted to `service_role`, three of them to `authenticated` too
(`has_profile_access`, `submit_document_v3`, `get_record_v3`), and to nobody else. Over REST they are `POST /rpc/NAME`
with the arguments as JSON keys. This page is made by `make reference`.
"""


def reference() -> str:
    """The page."""
    parts = [_HEAD]
    for name in door():
        sql = functions()[name]
        comment = " ".join(line.removeprefix("--").strip() for line in sql.splitlines() if line.startswith("--"))
        signature = re.search(r"function (public\..*?)\s+(?:language|volatile|stable)", sql, re.DOTALL)
        assert signature is not None
        parts.append(f"## {name}\n\n{comment.split(': ', 1)[1][0].upper()}{comment.split(': ', 1)[1][1:]}\n")
        parts.append(f'```sql title="signature"\n{signature[1]}\n```\n')
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
