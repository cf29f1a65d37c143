"""Exact o200k counts, offline: the encoding of gpt-4o and its kin."""

from __future__ import annotations

import functools
import warnings
from typing import Any

#: The encoder refuses texts of more tokens than 200,000; no piece of this many characters has as many.
_PIECE = 100_000


@functools.cache
def _encoding() -> Any:
    # It takes 2 s and 140 MB to load, which only those who count shall pay.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it opens its data in a way that has gone out of use
        import bpe_openai

        encoding = bpe_openai.get_encoding("o200k_base")
        encoding.encode_ordinary("a")
    return encoding


def count_tokens(text: str) -> int:
    """How many tokens a text has. The first call loads the encoding: make it in a thread."""
    encoding = _encoding()
    return sum(len(encoding.encode_ordinary(text[at : at + _PIECE])) for at in range(0, len(text), _PIECE))
