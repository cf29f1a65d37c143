"""The audit trail as values: what verification finds, and the anchor that is kept outside of the database."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from exora.errors import BadInput

ANCHOR_SCHEMA = "exora.anchor/1"
_REMEDY = "Give the file that `exora audit anchor` printed"


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The last seal of one chain, its hash in hex, and how many events the chain holds."""

    chain: int
    seq: int
    hash: str
    events: int


@dataclass(frozen=True, slots=True)
class AuditWindow:
    """Runs of sealing to be verified in one call; ``to_run`` None = to the end of the trail."""

    from_run: int
    to_run: int | None
    events: int


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """Something wrong with the trail.

    Attributes:
        kind: edited, removed, added, events_truncated, seal_broken, seal_removed, seals_truncated, anchor_broken;
            or unsealed_old, which is a warning.
        chain, seq: the seal concerned; None where there is none.
        event_id: the event concerned, or the first of them.
        events: how many events are concerned; None for findings on seals.
        at: when the event happened; when it was sealed, if it is gone.
        detail: the finding in words.
    """

    kind: str
    chain: int | None
    seq: int | None
    event_id: int | None
    events: int | None
    at: datetime | None
    detail: str

    @property
    def tampering(self) -> bool:
        """Whether somebody changed the trail; else it is only not protected yet."""
        return self.kind != "unsealed_old"


@dataclass(frozen=True, slots=True)
class Anchor:
    """The heads of all chains at a moment, signed if there was a key."""

    at: str
    heads: tuple[AuditHead, ...]
    signature: str | None = None

    @property
    def events(self) -> int:
        """How many events were sealed."""
        return sum(head.events for head in self.heads)

    def signed(self, key: str) -> Anchor:
        """The same anchor with its HMAC-SHA256 under ``key``."""
        return Anchor(self.at, self.heads, hmac.new(key.encode(), self._body(), hashlib.sha256).hexdigest())

    def check(self, key: str | None) -> Literal["good", "bad", "unsigned", "unchecked"]:
        """What the signature is worth: unchecked = there is one but no key to check it with."""
        if key is None:
            return "unsigned" if self.signature is None else "unchecked"
        if self.signature is None:
            return "unsigned"
        return "good" if hmac.compare_digest(self.signed(key).signature or "", self.signature) else "bad"

    def as_json(self) -> dict[str, Any]:
        """The anchor as it is written to a file."""
        return self._content() | {"hmac_sha256": self.signature}

    def _content(self) -> dict[str, Any]:
        heads = [{"chain": h.chain, "seq": h.seq, "hash": h.hash, "events": h.events} for h in self.heads]
        return {"schema": ANCHOR_SCHEMA, "at": self.at, "events": self.events, "heads": heads}

    def _body(self) -> bytes:
        return json.dumps(self._content(), sort_keys=True, separators=(",", ":")).encode()


def new_anchor(at: datetime, heads: Sequence[AuditHead]) -> Anchor:
    """An unsigned anchor of ``heads``, taken at ``at`` (timezone-aware)."""
    return Anchor(at.isoformat(timespec="seconds"), tuple(heads))


def read_anchor(content: bytes) -> Anchor:
    """Read an anchor back from its file.

    Raises:
        BadInput: it is none, or not whole.
    """
    try:
        value = json.loads(content)
        if value["schema"] != ANCHOR_SCHEMA:
            raise BadInput("this anchor is of another version", field="--anchor", remedy=_REMEDY)
        heads = tuple(
            AuditHead(int(head["chain"]), int(head["seq"]), str(head["hash"]), int(head["events"]))
            for head in value["heads"]
        )
        anchor = Anchor(str(value["at"]), heads, value.get("hmac_sha256"))
        complete = bool(heads) and anchor.events == value["events"]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput("this file is not an anchor", field="--anchor", remedy=_REMEDY) from error
    if not complete or not (anchor.signature is None or isinstance(anchor.signature, str)):
        raise BadInput("this anchor is not whole", field="--anchor", remedy=_REMEDY)
    return anchor
