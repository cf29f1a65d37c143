"""Loads the packaged word lists and finds their phrases in running text."""

from __future__ import annotations

import functools
import gzip
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import NamedTuple

_SEMANTIC_TAG = re.compile(r"\s*\((?:disorder|finding|situation|procedure|morphologic abnormality|event)\)\s*$", re.I)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9'’+-]*")


def strip_tag(name: str) -> str:
    """The name without a trailing "(disorder)", "(procedure)" or the like."""
    return _SEMANTIC_TAG.sub("", name)


#: Longer names are not kept: none is that long, and a document could fill memory with them.
_KEPT = 120


def normal_key(name: str) -> str:
    """The name in lower case without accents, punctuation, apostrophes and trailing "(disorder)"."""
    return _short_key(name) if len(name) <= _KEPT else _key(name)


@functools.lru_cache(maxsize=40_000)
def _short_key(name: str) -> str:
    return _key(name)


def _key(name: str) -> str:
    text = strip_tag(name)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_WORD.sub(" ", text.lower().replace("'", "")).strip()


def read_lines(name: str) -> list[str]:
    """The lines of a packaged list, without empty ones and comments."""
    data = (files("exora.documents.analysis") / "tables" / name).read_bytes()
    if name.endswith(".gz"):
        data = gzip.decompress(data)
    return [line for line in data.decode().splitlines() if line and not line.startswith("#")]


def read_pairs(name: str) -> list[tuple[str, str]]:
    """The two columns of a packaged tab-separated table, in its order."""
    return [(first, second) for first, _, second in (line.partition("\t") for line in read_lines(name))]


def read_groups(name: str) -> dict[str, str]:
    """Key of every name of a packaged list to the group "[...]" it stands under; the first group counts."""
    group = ""
    groups: dict[str, str] = {}
    for line in read_lines(name):
        if line.startswith("["):
            group = line.strip("[]")
            continue
        for printed in line.split("|"):
            groups.setdefault(normal_key(printed), group)
    return groups


@functools.cache
def everyday_conditions() -> dict[str, str]:
    """Key of an everyday condition name to its ICD-10-CM code, or to "" where no code is safe."""
    pairs = (line.partition("=") for line in read_lines("conditions.txt"))
    return {normal_key(name): code.strip() for name, _, code in pairs}


class Match(NamedTuple):
    """A phrase of a lexicon found at ``text[start:end]``."""

    start: int
    end: int
    key: str


class _Word(NamedTuple):
    """A word of a text: its offsets, its key, and the key's first word ("x" of "x-ray")."""

    start: int
    end: int
    key: str
    first: str


@functools.lru_cache(maxsize=64)
def _words_of(text: str) -> tuple[_Word, ...]:
    """The words of a sentence, kept for the several lexicons that look through it in turn."""
    found = []
    for match in _WORD.finditer(text):
        key = normal_key(match.group())
        if key:
            found.append(_Word(match.start(), match.end(), key, key.partition(" ")[0]))
    return tuple(found)


class Phrases:
    """A set of phrases, searched by whole words without regard to case, punctuation or a plural "s"."""

    def __init__(self, names: Iterable[str]) -> None:
        self._keys = frozenset(key for key in map(normal_key, names) if key)
        self._longest: dict[str, int] = {}
        for key in self._keys:
            words = key.split()
            self._longest[words[0]] = max(self._longest.get(words[0], 0), len(words))

    def __contains__(self, name: str) -> bool:
        return self._known(normal_key(name)) is not None

    def _known(self, key: str) -> str | None:
        if key in self._keys:
            return key
        return key[:-1] if key.endswith("s") and key[:-1] in self._keys else None

    def find(self, text: str) -> Iterator[Match]:
        """The longest phrases from left to right, never overlapping, never across . ; or a line's end."""
        words = _words_of(text)
        index = 0
        while index < len(words):
            first = words[index].first
            limit = self._longest.get(first) or self._longest.get(first.removesuffix("s"), 0)
            found = self._longest_at(text, words, index, limit) if limit else None
            if found is None:
                index += 1
                continue
            count, key = found
            yield Match(words[index].start, words[index + count - 1].end, key)
            index += count

    def _longest_at(self, text: str, words: Sequence[_Word], index: int, limit: int) -> tuple[int, str] | None:
        for count in range(min(limit, len(words) - index), 0, -1):
            between = text[words[index].start : words[index + count - 1].end]
            if any(mark in between for mark in ".;:\n"):
                continue
            key = self._known(" ".join(word.key for word in words[index : index + count]))
            if key is not None:
                return count, key
        return None


@functools.cache
def drugs() -> Phrases:
    """Medicine names."""
    listed = [name for line in read_lines("drugs.txt") for name in line.split(",")]
    plain = [name for _, name in read_pairs("rxnorm.tsv") if not re.search(r"\d", name)]
    return Phrases([*listed, *plain])


@functools.cache
def conditions() -> Phrases:
    """Names of diseases, symptoms and findings that are safe to pick out of prose."""
    findings = [name for line in read_lines("findings.txt") for name in line.split(",")]
    named = [key for key, code in read_pairs("icd10cm-keys.tsv.gz") if code[0] in _DISEASES and _speakable(key)]
    return Phrases([*everyday_conditions(), *findings, *named])


#: ICD-10-CM chapters of diseases and symptoms; pregnancy, injuries, causes and contact with services are left out.
_DISEASES = frozenset("ABCDEFGHIJKLMNR")
_NOT_SPOKEN = re.compile(
    r"^(?:other|unspecified|nihss|mother|hers|person|need|abnormal|lack|loss|personal)\b|\b(?:unspecified|nos|"
    r"other|without|not|index|site|"
    r"elsewhere|score)\b|^(?:\w{1,4}|arrest|boil|callus|cancer screening|cicatrix|cloaca|confusion nos|corrosion|"
    r"death|debility|dyes|"
    r"falling|flushing|frailty|freckles|hunger|injury|isolation|malformation|positive|pressure|sample|stress|worries|"
    r"normal delivery|screening|disease|disorder|syndrome|spots|spasm|stupor|tension|tumor|worms|plague|position|"
    r"deposits|"
    r"ascending|descending|adhesions|deformity|degeneration|scars?|deficiency|bridge|cyst of|shadow|nervous|"
    r"absence|bite)$"
)


def _speakable(key: str) -> bool:
    """Whether a key of ICD-10-CM is a name a person would write in a sentence, not a rubric or an everyday word."""
    return len(key.split()) <= 4 and _NOT_SPOKEN.search(key) is None


@functools.cache
def procedures() -> Phrases:
    """Names of procedures that are safe to pick out of prose."""
    return Phrases(read_lines("procedures.txt"))


@functools.cache
def vaccines() -> Phrases:
    """Names of vaccines."""
    return Phrases(name for _, name in read_pairs("cvx.tsv") if len(name) > 2)


@functools.cache
def _measurement_lists() -> tuple[dict[str, str], frozenset[str]]:
    codes: dict[str, str] = {}
    vital: set[str] = set()
    in_vitals = False
    for line in read_lines("results.txt"):
        if line == "[vital]":
            in_vitals = True
            continue
        name, _, code = line.partition("=")
        codes[normal_key(name)] = code.strip()
        if in_vitals:
            vital.add(normal_key(name))
    return codes, frozenset(vital)


def measurement_codes() -> dict[str, str]:
    """Key of a common measurement's name to its LOINC code, or to "" where no code is safe."""
    return _measurement_lists()[0]


def is_vital(name: str) -> bool:
    """Whether a measurement's name is that of a vital sign."""
    return normal_key(name) in _measurement_lists()[1]


def measurement_names() -> list[str]:
    """Names of laboratory tests and vital signs."""
    return [*measurement_codes(), *(name for _, name in read_pairs("loinc.tsv"))]


@functools.cache
def measurements() -> Phrases:
    """The same, to be found in a text."""
    return Phrases(measurement_names())
