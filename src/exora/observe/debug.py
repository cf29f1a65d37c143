"""DEBUG, as npm's package ``debug`` (4.x) reads it: which namespaces are on."""

from __future__ import annotations

import re


def debug_enabled(setting: str, namespace: str) -> bool:
    """Whether a namespace is on.

    Names are separated by commas or spaces; ``*`` stands for anything; a leading ``-`` turns off, whatever turns on.

    Args:
        setting: the value of DEBUG.
        namespace: such as ``db:calls``.
    """
    on, off = [], []
    for name in re.split(r"[\s,]+", setting.strip()):
        if name.startswith("-"):
            off.append(name[1:])
        elif name:
            on.append(name)
    return not any(_matches(name, namespace) for name in off) and any(_matches(name, namespace) for name in on)


def _matches(pattern: str, namespace: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), namespace, re.DOTALL) is not None
