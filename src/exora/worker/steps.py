"""Content addresses of steps: equal inputs, equal key."""

from __future__ import annotations

import hashlib
import json


def step_key(*parts: str | int) -> str:
    """SHA-256 over the parts as a JSON array, so that no two lists of parts run into each other."""
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()
