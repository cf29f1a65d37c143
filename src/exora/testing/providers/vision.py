"""A stand-in for Google Cloud Vision's images:annotate; it reads with Tesseract, so that what it answers is real."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from exora.domain.document import Box, Line
from exora.testing.providers.limits import Limits
from exora.testing.providers.scripted import ScriptedServer
from exora.testing.providers.wire import Request

#: Reads an encoded picture: its lines with boxes as fractions of it.
Read = Callable[[bytes], Sequence[Line]]
_BREAKS = {"space": 1, "line": 5}
_STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}


def with_tesseract(content: bytes) -> Sequence[Line]:
    """The lines of a picture as Tesseract reads them."""
    from exora.documents.ocr.tesseract import shared_engine

    with Image.open(io.BytesIO(content)) as image:
        return shared_engine().recognize(image.convert("L"), None).lines


class VisionServer(ScriptedServer):
    """Answers ``POST /v1/images:annotate``.

    Args:
        read: what it sees in a picture.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        latency_s: float = 0.0,
        api_key: str = "test-key",
        read: Read = with_tesseract,
    ) -> None:
        super().__init__(limits, latency_s=latency_s, api_key=api_key)
        self._read = read

    def key_of(self, request: Request) -> str | None:
        """The key's header; a key in the URL counts for nothing."""
        return request.headers.get("x-goog-api-key")

    def expected_tokens(self, body: dict[str, Any]) -> int:
        """Tokens are not counted here."""
        return 0

    def error(self, status: int, code: str) -> bytes:
        """The body of an error, in Google's form."""
        found = {"code": status, "message": "scripted", "status": _STATUSES.get(status, "UNAVAILABLE")}
        return json.dumps({"error": found}).encode()

    async def answer(self, body: dict[str, Any], flaw: str) -> tuple[bytes, int | None]:
        """One response per image; ``flaw`` image_error spoils the first, no_coordinates leaves zeros out of all."""
        if flaw == "wrong_json":
            return b'{"responses": []}', None
        responses = []
        for place, request in enumerate(body.get("requests", ())):
            if flaw == "image_error" and place == 0:
                responses.append({"error": {"code": 3, "message": "Bad image data."}})
                continue
            content = base64.b64decode(request["image"]["content"])
            responses.append(await asyncio.to_thread(self._annotate, content, flaw))
        return json.dumps({"responses": responses}).encode(), None

    def _annotate(self, content: bytes, flaw: str) -> dict[str, Any]:
        try:
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
        except OSError:
            return {"error": {"code": 3, "message": "Bad image data."}}
        lines = self._read(content)
        if not lines:
            return {}
        words = [
            _word(word.text, word.box, word.confidence, width, height, place == len(line.words) - 1, flaw)
            for line in lines
            for place, word in enumerate(line.words)
        ]
        page = {
            "width": width,
            "height": height,
            "blocks": [{"blockType": 1, "paragraphs": [{"words": words}]}],
        }
        text = "\n".join(" ".join(word.text for word in line.words) for line in lines)
        return {"fullTextAnnotation": {"pages": [page], "text": text}}


def _word(
    text: str, box: Box | None, confidence: float, width: int, height: int, last: bool, flaw: str
) -> dict[str, Any]:
    assert box is not None
    x0, y0, x1, y1 = round(box.x0 * width), round(box.y0 * height), round(box.x1 * width), round(box.y1 * height)
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    # The real one leaves zeros out, as proto3 does.
    vertices = [{name: value for name, value in (("x", x), ("y", y)) if value} for x, y in corners]
    if flaw == "no_coordinates":
        vertices = [{} for _ in corners]
    symbols: list[dict[str, Any]] = [{"text": character, "confidence": confidence} for character in text]
    symbols[-1]["property"] = {"detectedBreak": {"type": _BREAKS["line" if last else "space"]}}
    return {"boundingBox": {"vertices": vertices}, "symbols": symbols, "confidence": confidence}
