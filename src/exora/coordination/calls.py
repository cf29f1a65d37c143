"""What the verbs of each part are built on: a transport, functions that return one value, who acts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exora.coordination.port import Transport
from exora.domain.operations import Act


class Calls:
    """Verbs over a transport."""

    _transport: Transport

    async def _scalar(self, function: str, arguments: Mapping[str, Any]) -> Any:
        """The value of a function that may be repeated when its answer was lost."""
        rows = await self._transport.call(function, arguments, repeatable=True)
        return rows[0][function]


def signed(act: Act) -> dict[str, Any]:
    """An act as arguments; what is not said is not sent."""
    return {name: value for name, value in (("p_by", act.by), ("p_why", act.why)) if value is not None}
