"""JSON as it goes to the database and comes back, exactly.

orjson, since pydantic's, which the documents bring along anyway, takes nine megabytes that a worker of other jobs need
not have.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from exora.errors import BadInput

#: orjson reads integers beyond 64 bits as floats; one of 19 digits may be such a one. This way it is found in a tenth
#: of a regular expression's time, which was four times orjson's.
_LONG = b"0" * 19
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")


def encode(value: Any) -> bytes:
    """JSON of dicts, lists, strings, numbers, booleans, None, UUIDs and times; a number that is none becomes null.

    Raises:
        BadInput: it holds something else. The message says nothing of it.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        pass  # also integers beyond 64 bits
    try:
        return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError):
        raise BadInput(
            "a payload or result holds something that JSON has no word for",
            field="payload or result",
            remedy="Use dicts with string keys, lists, strings, numbers, booleans and None",
        ) from None


def decode(content: bytes) -> Any:
    """The value of a JSON text; integers of any size are kept.

    Raises:
        ValueError: it is none.
    """
    return json.loads(content) if _LONG in content.translate(_AS_ZEROS) else orjson.loads(content)


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError
