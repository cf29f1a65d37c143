"""Pages survive packing: what the parent holds between its children is what they read."""

from __future__ import annotations

import pickle
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exora.documents.packed import PackedPage, Pages, pack
from exora.domain.document import Box, Line, PageText, Word
from exora.errors import CorruptDocument

sides = st.floats(0, 1, width=32)
words = st.builds(
    Word,
    st.text(min_size=1, max_size=12),
    st.none() | st.builds(Box, sides, sides, sides, sides),
    st.integers(0, 10_000).map(lambda parts: parts / 10_000),
)
pages = st.builds(
    PageText,
    st.integers(1, 300),
    st.floats(1, 20_000),
    st.floats(1, 20_000),
    st.lists(st.builds(Line, st.lists(words, max_size=6).map(tuple)), max_size=6).map(tuple),
    st.sampled_from(["text-layer", "ocr", "text"]),
    st.text(max_size=20),
    st.lists(st.text(max_size=20), max_size=3).map(tuple),
    st.none() | st.text(max_size=60),
)


@given(pages)
def test_a_page_comes_back_as_it_was(page: PageText) -> None:
    packed = pack(page)
    assert packed.unpacked() == page
    assert (packed.number, packed.layout_characters) == (page.number, len(page.layout or ""))


@given(pages, pages)
def test_equal_pages_alone_have_equal_digests(one: PageText, other: PageText) -> None:
    def digest(*given: PageText) -> str:
        return Pages(map(pack, given)).digest

    assert (digest(one) == digest(other)) == (one == other)
    assert digest(one, other) == digest(one, other)
    assert digest(one) != digest(one, other)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(zlib.compress))
def test_what_is_no_packed_page_is_a_corrupt_document(content: bytes) -> None:
    with pytest.raises(CorruptDocument):
        PackedPage(1, 0, content).unpacked()


def test_a_page_that_inflates_without_end_is_refused() -> None:
    bomb = zlib.compress(bytes(65 * 1024 * 1024))
    assert len(bomb) < 100_000
    with pytest.raises(CorruptDocument):
        PackedPage(1, 0, bomb).unpacked()


def test_pages_are_a_sequence_that_takes_a_few_bytes_a_word_and_goes_to_a_child_as_it_is() -> None:
    line = Line(tuple(Word(f"word{n}", Box(n / 500, 0.1, (n + 1) / 500, 0.125), 0.9123) for n in range(500)))
    page = PageText(1, 612.0, 792.0, (line,), "ocr", "tesseract")
    held = Pages([pack(page), pack(page)])
    assert len(pickle.dumps(held)) < 2 * 500 * 20
    assert [each.words[499].text for each in pickle.loads(pickle.dumps(held))] == ["word499", "word499"]
    assert (len(held), held[1].number, len(held[:1])) == (2, 1, 1)
