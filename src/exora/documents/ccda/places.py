"""Finds in a document's text what its coded entries point to."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from functools import cached_property

from exora.documents.analysis.text import word_places
from exora.documents.ccda.sections import Narrative, Section
from exora.domain.document import PageText
from exora.domain.record import Source


class Places:
    """The text of a document, in which quotes are looked up.

    Args:
        narrative: the document laid out.
        page: the page made of its text.
    """

    def __init__(self, narrative: Narrative, page: PageText) -> None:
        self.referenced = narrative.referenced
        self._layout = narrative.text
        self._page = page

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [(place.start, place.end) for place in word_places(self._layout)]

    @cached_property
    def _starts(self) -> list[int]:
        starts, offset = [], 0
        for word in self._page.words:
            starts.append(offset)
            offset += len(word.text) + 1
        return starts

    def source(self, candidates: Iterable[str], section: Section) -> Source:
        """The first of some texts that stands in the section; else the last, which only the entry's code says."""
        quote = ""
        for candidate in candidates:
            quote = candidate or quote
            found = self._find(candidate, section) if candidate else None
            if found is not None:
                return Source(page=1, quote=candidate, start=found[0], end=found[1])
        return Source(page=1, quote=quote)

    def _find(self, quote: str, section: Section) -> tuple[int, int] | None:
        """Offsets in the layout of the words that a quote touches, within a section."""
        first = bisect.bisect_left(self._places, (section.start, 0))
        last = bisect.bisect_left(self._places, (section.end, 0)) - 1
        if first > last:
            return None
        end = self._starts[last] + len(self._page.words[last].text)
        at = self._normal.find(quote, self._starts[first], end)
        if at < 0:
            return None
        word = bisect.bisect_right(self._starts, at) - 1
        final = bisect.bisect_left(self._starts, at + len(quote)) - 1
        return self._places[word][0], self._places[final][1]

    @cached_property
    def _normal(self) -> str:
        """The page's text on one line: a quote may run over the end of a line."""
        return self._page.text.replace("\n", " ")
