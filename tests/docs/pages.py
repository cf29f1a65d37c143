"""The pages, and the fenced blocks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md")])

#: Languages whose blocks hold nothing to run or to parse: drawings, forms of a command, messages.
PROSE = ("text",)
_INFO = re.compile(r'(?P<language>[a-z]+)(?: title="(?P<title>[^"]+)")?')


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: the file it is in.
        line: of its fence, from 1.
        language: first word of its info string.
        title: what a reader sees above it: the file it shows, or the place it is for.
    """

    page: Path
    line: int
    language: str
    title: str | None
    text: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{name(self.page)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that it shows, if its title names one."""
        return self.title if self.title and re.fullmatch(r"[\w./-]+\.[a-z]+", self.title) else None


def name(page: Path) -> str:
    """A page's path in the project."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order.

    Raises:
        ValueError: a block's info string says something that the site would not understand.
    """
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type == "code_block":
            raise ValueError(f"{name(page)}: a block by indentation has no language; fence it")
        if token.type == "fence":
            assert token.map is not None
            match = _INFO.fullmatch(token.info.strip())
            if match is None:
                raise ValueError(
                    f"{name(page)}:{token.map[0] + 1}: not a language, with a title or without: {token.info!r}"
                )
            yield Block(page, token.map[0] + 1, match["language"], match["title"], token.content)
