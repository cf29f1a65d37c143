"""Analysis by a remote model: pages packed by size, answers kept by content address, all held against the pages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple, Protocol

from pydantic import ValidationError

from exora.documents.analysis.grounding import Part, record_of_answers
from exora.documents.analysis.remote_answer import Answer, answer_schema
from exora.documents.pool import ChildPool
from exora.documents.turns import a_few_at_a_time
from exora.domain.document import DocumentLimits, PageText
from exora.domain.record import Record
from exora.errors import AnswerCutOff, AnswerRefused, AnswerUnusable, RequestRefused

#: The prompt, a file of this name; a changed prompt is a new file.
PROMPT = "extract-1"
_SCHEMA_NAME = "clinical_record"
#: Characters of page text per call, about 6,000 tokens: the answer, which is longer, must fit into the model's limit.
_PACK_CHARACTERS = 18_000
#: Shorter pieces are not split again: whatever cannot be answered about them is left to the local analyzer.
_LEAST_CHARACTERS = 600
#: Calls of one document at a time.
_CALLS_AT_A_TIME = 4


class Steps(Protocol):
    """Where results that must not be paid twice are kept, by content address; a job's context is one."""

    async def find_step(self, *parts: str | int) -> dict[str, Any] | None: ...

    async def keep_step(self, *parts: str | int, result: Mapping[str, Any]) -> None: ...


class Completes(Protocol):
    """A model behind the capacity gate."""

    @property
    def model(self) -> str: ...

    async def complete(self, *, system: str, user: str, schema_name: str, schema: Mapping[str, Any]) -> str: ...


@cache
def prompt_text() -> str:
    """The system prompt."""
    return resources.files("exora.documents.analysis").joinpath("prompts", f"{PROMPT}.txt").read_text(encoding="utf-8")


class _Piece(NamedTuple):
    """The text of a page, or a part of a long one."""

    number: int
    text: str


@dataclass(slots=True)
class _Findings:
    parts: list[Part]
    warnings: list[str]


class RemoteAnalyzer:
    """Turns pages into a record by asking a model.

    Args:
        chat: the model.
        pool: checks the answers in a child process.
        limits: what that may cost.
    """

    def __init__(self, chat: Completes, pool: ChildPool, limits: DocumentLimits) -> None:
        self._chat = chat
        self._pool = pool
        self._limits = limits

    @property
    def name(self) -> str:
        """Model and prompt, as ``record.engines.analyzer``."""
        return f"{self._chat.model}/{PROMPT}"

    async def analyze(self, pages: Sequence[PageText], *, sha256: str, key: Hashable, steps: Steps) -> Record:
        """Analyze the pages of one document.

        An answer that does not fit is asked for in two halves. What the model refuses twice, or answers in another form
        twice, is left to the local analyzer, with a warning in the record.

        Args:
            pages: as read.
            sha256: of the document's bytes, in hex.
            key: the document's identity in the pool's turns.
            steps: keeps what was paid for.

        Raises:
            NoCapacity: not now.
            ProviderError, DocumentError: otherwise no record.
        """
        found = _Findings([], [])
        await a_few_at_a_time(packed(pages), _CALLS_AT_A_TIME, lambda pack: self._ask(pack, steps, found))
        found.parts.sort(key=lambda part: part[0])
        factor = max(len(pages), 1)
        text = await self._pool.run(
            record_of_answers,
            found.parts,
            pages,
            sha256,
            self.name,
            sorted(found.warnings),
            key=key,
            cpu_s=self._limits.page_cpu_s * factor,
            wall_s=self._limits.page_wall_s * factor,
        )
        return Record.model_validate_json(text)

    async def _ask(self, pack: Sequence[_Piece], steps: Steps, found: _Findings) -> None:
        user = "\n".join(f"=== page {piece.number} ===\n{_without_marks(piece.text)}" for piece in pack)
        address = ("analysis", self.name, hashlib.sha256(user.encode()).hexdigest())
        own = tuple(dict.fromkeys(piece.number for piece in pack))
        kept = await steps.find_step(*address)
        if kept is not None:
            found.parts.append((own, str(kept["answer"])))
            return
        for last in (False, True):
            try:
                answer = await self._chat.complete(
                    system=prompt_text(), user=user, schema_name=_SCHEMA_NAME, schema=answer_schema()
                )
                Answer.model_validate_json(answer)
            except (AnswerCutOff, RequestRefused) as error:
                if isinstance(error, RequestRefused) and error.reason != "context_length_exceeded":
                    raise
                halves = split(pack)
                if halves is None:
                    break
                for half in halves:
                    await self._ask(half, steps, found)
                return
            except (AnswerRefused, AnswerUnusable, ValidationError):
                if last:
                    break
                continue
            await steps.keep_step(*address, result={"answer": answer})
            found.parts.append((own, answer))
            return
        numbers = ", ".join(map(str, own))
        found.warnings.append(f"pages {numbers}: analyzed on this machine, the model gave no answer of use")
        found.parts.append((own, None))


#: A line of a document that would read as the start of another page.
_MARK = re.compile(r"^(\s*)===", re.MULTILINE)


def _without_marks(text: str) -> str:
    """A page's text with lines that look like the mark of a page made another."""
    return _MARK.sub(r"\1= = =", text)


def packed(pages: Sequence[PageText]) -> list[list[_Piece]]:
    """Pages in order, as many to a pack as fit; a page that does not fit alone is cut at line ends."""
    packs: list[list[_Piece]] = []
    room = 0
    for page in pages:
        text = page.layout or page.text
        if not text.strip():
            continue
        for piece in _cut(text, _PACK_CHARACTERS):
            if not packs or len(piece) > room:
                packs.append([])
                room = _PACK_CHARACTERS
            packs[-1].append(_Piece(page.number, piece))
            room -= len(piece)
    return packs


def split(pack: Sequence[_Piece]) -> tuple[list[_Piece], list[_Piece]] | None:
    """A pack in two: its pieces, or the lines of its only one; None if that is too short to split."""
    if len(pack) > 1:
        middle = len(pack) // 2
        return list(pack[:middle]), list(pack[middle:])
    [piece] = pack
    if len(piece.text) < _LEAST_CHARACTERS:
        return None
    first, *rest = _cut(piece.text, len(piece.text) // 2 + 1)
    if not rest:
        return None
    return [_Piece(piece.number, first)], [_Piece(piece.number, "\n".join(rest))]


def _cut(text: str, most: int) -> list[str]:
    """The text in pieces of at most so many characters, at line ends where there are any."""
    pieces: list[str] = []
    while len(text) > most:
        end = text.rfind("\n", 0, most)
        end = end if end > 0 else most
        pieces.append(text[:end])
        text = text[end:].lstrip("\n")
    return [*pieces, text]
