"""Pages as a few bytes per word: how the parent holds what its children read, from one child to the next."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple, overload

from exora.documents.child import MAX_ANSWER_BYTES
from exora.domain.document import Box, Line, PageText, Word
from exora.errors import CorruptDocument

_HEAD = struct.Struct(">I")
#: Stands for the sides of a box where a word has none.
_NO_SIDE = -1.0
#: Confidences are kept to four places.
_CONFIDENCE = 10_000


class PackedPage(NamedTuple):
    """A page in about 15 bytes a word, where words, boxes and lines as objects take 315.

    Attributes:
        number: the page's, from 1.
        layout_characters: length of its ``layout``; 0 where words have boxes.
        content: everything else; sides of boxes are kept as 32-bit floats, to a ten-millionth of the page.
    """

    number: int
    layout_characters: int
    content: bytes

    def unpacked(self) -> PageText:
        """The page.

        Raises:
            CorruptDocument: its content is not that of a packed page.
        """
        raw = _inflated(self.content)
        try:
            return _unpacked(raw)
        except Exception:
            # Whatever it is: only a reader that a hostile file has taken over packs a page so.
            raise CorruptDocument("the document made its reader answer nonsense") from None


def pack(page: PageText) -> PackedPage:
    """A page as bytes."""
    words = page.words
    # Side by side, not box by box: equal sides of neighbors compress well.
    sides = array("f")
    for side in range(4):
        sides.extend(_NO_SIDE if word.box is None else word.box[side] for word in words)
    confidences = array("H", (round(word.confidence * _CONFIDENCE) for word in words))
    head = json.dumps(
        [
            *(page.number, page.width, page.height, page.source, page.engine, page.warnings, page.layout),
            [len(line.words) for line in page.lines],
            [word.text for word in words],
        ],
        separators=(",", ":"),
    ).encode()
    raw = b"".join((_HEAD.pack(len(head)), head, sides.tobytes(), confidences.tobytes()))
    return PackedPage(page.number, len(page.layout or ""), zlib.compress(raw, 1))


def _unpacked(raw: bytes) -> PageText:
    (length,) = _HEAD.unpack_from(raw)
    numbers = _HEAD.size + length
    number, width, height, source, engine, warnings, layout, lengths, texts = json.loads(raw[_HEAD.size : numbers])
    count = len(texts)
    sides = array("f", raw[numbers : numbers + 16 * count])
    confidences = array("H", raw[numbers + 16 * count :])
    boxes = zip(*(sides[count * side : count * (side + 1)] for side in range(4)), strict=True)
    words = [
        Word(text, None if box[0] == _NO_SIDE else Box(*box), confidence / _CONFIDENCE)
        for text, box, confidence in zip(texts, boxes, confidences, strict=True)
    ]
    lines, start = [], 0
    for size in lengths:
        lines.append(Line(tuple(words[start : start + size])))
        start += size
    return PageText(number, width, height, tuple(lines), source, engine, tuple(warnings), layout)


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(content, MAX_ANSWER_BYTES)
    except zlib.error:
        raise CorruptDocument("the document made its reader answer nonsense") from None
    if inflater.unconsumed_tail:
        raise CorruptDocument("a page of the document has more text than any page can hold")
    return raw


class Pages(Sequence[PageText]):
    """The pages of one document in order, kept packed; each is unpacked anew whenever it is asked for.

    Args:
        packed: the pages.
    """

    def __init__(self, packed: Iterable[PackedPage]) -> None:
        self.packed = tuple(packed)

    def __len__(self) -> int:
        return len(self.packed)

    @overload
    def __getitem__(self, at: int) -> PageText: ...
    @overload
    def __getitem__(self, at: slice) -> Pages: ...
    def __getitem__(self, at: int | slice) -> PageText | Pages:
        return Pages(self.packed[at]) if isinstance(at, slice) else self.packed[at].unpacked()

    @property
    def layout_characters(self) -> int:
        """Characters of text laid out without boxes."""
        return sum(page.layout_characters for page in self.packed)

    @property
    def digest(self) -> str:
        """SHA-256 in hex over everything an analysis can depend on: words, boxes and confidence."""
        digest = hashlib.sha256()
        for page in self.packed:
            raw = _inflated(page.content)
            digest.update(_HEAD.pack(len(raw)))
            digest.update(raw)
        return digest.hexdigest()
