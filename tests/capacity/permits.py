"""A permit that notes what a provider tells it, for tests of providers alone."""

from __future__ import annotations

from typing import Any


class NotedPermit:
    """What a provider did with a permit."""

    def __init__(self) -> None:
        self.began = 0
        self.answers: list[dict[str, Any]] = []
        self.usage: dict[str, int] | None = None

    async def begin(self) -> None:
        """Noted."""
        self.began += 1

    def answered(self, **what: Any) -> None:
        """Noted."""
        self.answers.append({name: value for name, value in what.items() if value is not None})

    def used(self, **what: int) -> None:
        """Noted."""
        self.usage = what
