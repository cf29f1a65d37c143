"""Tokens of running text and what the sequence models look at: spelling, neighbors, word lists, abbreviations."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from exora.documents.analysis.expressions import expression_marks

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_SHORT_FORM = re.compile(r"\(([A-Z][\w-]{0,9}|[a-z]?[A-Z][\w-]{0,8})\s*[;,)]")
#: So many tokens on either side are looked at by ``near``.
WINDOW = 6
#: A phrase of a word list has at most this many words.
LONGEST_PHRASE = 8


class Token(NamedTuple):
    """A run of letters, a run of digits or one mark, with its offsets in the text."""

    text: str
    start: int
    end: int


def tokenize(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens of ``text[start:end]``; offsets count from the start of the text."""
    stop = len(text) if end is None else end
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text, start, stop)]


def plain_word(token: str) -> str:
    """A token in lower case; any number is "0"."""
    return "0" if token[0].isdigit() else token.lower()


def phrase_key(phrase: str) -> str:
    """A phrase as word lists hold it: its tokens in lower case, without marks, parted by blanks."""
    return " ".join(t for t in _TOKEN.findall(phrase.lower()) if t[0].isalnum())


class WordList:
    """A list of phrases, searched token by token for the longest one."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        longest: dict[str, int] = {}
        for key in self._keys:
            words = key.split(" ", 1)
            count = key.count(" ") + 1
            if count > longest.get(words[0], 0):
                longest[words[0]] = min(count, LONGEST_PHRASE)
        self._longest = longest

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def marks(self, words: Sequence[str], places: Sequence[int], count: int) -> list[str]:
        """For each of ``count`` tokens "" or where it stands in a phrase: S alone, B first, E last, I between.

        Args:
            words: the tokens that are words or numbers, in lower case.
            places: the index of each word among all tokens; marks within a phrase count as part of it.
            count: number of all tokens.
        """
        tags = [""] * count
        index = 0
        while index < len(words):
            limit = self._longest.get(words[index], 0)
            length = self._match(words, index, limit) if limit else 0
            if not length:
                index += 1
                continue
            first, last = places[index], places[index + length - 1]
            if first == last:
                tags[first] = "S"
            else:
                tags[first:last] = ["B", *["I"] * (last - first - 1)]
                tags[last] = "E"
            index += length
        return tags

    def _match(self, words: Sequence[str], index: int, limit: int) -> int:
        for length in range(min(limit, len(words) - index), 0, -1):
            if " ".join(words[index : index + length]) in self._keys:
                return length
        return 0


@functools.lru_cache(maxsize=40_000)
def _spelling(word: str) -> tuple[str, ...]:
    """What a token's own letters say."""
    lower = word.lower()
    if word[0].isdigit():
        return ("w=" + ("0" * min(len(word), 5)), "n=" + (word if len(word) < 3 else ""), "digit")
    if not word[0].isalpha():
        return ("w=" + word, "mark")
    shape = _shape(word)
    features = ["w=" + lower, "sh=" + shape]
    if len(lower) > 3:
        features += [f"s{n}={lower[-n:]}" for n in (2, 3, 4, 5) if n < len(lower)]
        features += [f"p{n}={lower[:n]}" for n in (2, 3, 4, 5) if n < len(lower)]
    if lower.endswith("s") and len(lower) > 4:
        features.append("st=" + lower[:-1])
    else:
        features.append("st=" + lower)
    if len(word) <= 5 and sum(letter.isupper() for letter in word) >= 2:
        features.append("abbr")
    return tuple(features)


class _Beside(NamedTuple):
    """What a word says of its neighbors, as attributes of those after it and before it."""

    before: str
    before2: str
    before_ends: str
    after: str
    after2: str
    after_ends: str


@functools.lru_cache(maxsize=40_000)
def _beside(word: str) -> _Beside:
    end = word[-3:]
    return _Beside("-1=" + word, "-2=" + word, "-1s3=" + end, "+1=" + word, "+2=" + word, "+1s3=" + end)


@functools.lru_cache(maxsize=40_000)
def _shape(word: str) -> str:
    if word.isupper():
        return "X" if len(word) == 1 else "XX"
    if word.islower():
        return "x" if len(word) == 1 else "xx"
    if word[0].isupper() and word[1:].islower():
        return "Xx"
    return "mix" if word.isalpha() else "0" if word.isdigit() else word


def abbreviations(text: str) -> dict[str, str]:
    """Short forms in brackets and the long form before each: "atrial fibrillation (AF)".

    The rule of Schwartz and Hearst 2003: every letter of the short form stands in the long form in order,
    its first at the start of a word.
    """
    found: dict[str, str] = {}
    for match in _SHORT_FORM.finditer(text):
        short = match.group(1)
        if len(short) < 2 or short in found:
            continue
        before = text[max(0, match.start() - 120) : match.start()].rstrip()
        words = before.split()
        window = " ".join(words[-min(len(short) + 5, len(short) * 2) :])
        long = _long_form(short, window)
        if long and len(long) > len(short) and len(long.split()) <= len(short) + 3:
            found[short] = long
    return found


def _long_form(short: str, window: str) -> str | None:
    at = len(window) - 1
    for index in range(len(short) - 1, -1, -1):
        letter = short[index].lower()
        if not letter.isalnum():
            continue
        while at >= 0 and (window[at].lower() != letter or (index == 0 and at > 0 and window[at - 1].isalnum())):
            at -= 1
        if at < 0:
            return None
        at -= 1
    return window[at + 1 :]


def sentence_features(
    text: str,
    tokens: Sequence[Token],
    lists: Mapping[str, WordList],
    long_forms: Mapping[str, str],
) -> list[list[str]]:
    """The attributes of every token of a sentence.

    Args:
        text: the document, or the part of it that the tokens' offsets count in.
        tokens: a sentence of it.
        lists: word lists by a short name.
        long_forms: short form to long form, in the whole document.
    """
    lower = [token.text.lower() for token in tokens]
    count = len(tokens)
    own = [_spelling(token.text) for token in tokens]
    places = [index for index, token in enumerate(tokens) if token.text[0].isalnum()]
    words = [lower[index] for index in places]
    marked = [(name, known.marks(words, places, count)) for name, known in lists.items()]
    shapes = [_shape(token.text) for token in tokens]
    plain = ["0" * min(len(word), 5) if word[0].isdigit() else word for word in lower]
    glued = [index > 0 and tokens[index - 1].end == tokens[index].start for index in range(count)]
    begin = tokens[0].start if tokens else 0
    spans = [(token.start - begin, token.end - begin) for token in tokens]
    expressed = expression_marks(text[begin : tokens[-1].end] if tokens else "", spans)
    names = ["<", "<", *plain, ">", ">"]
    beside = [_beside(name) for name in names]
    rows: list[list[str]] = []
    for index, word in enumerate(plain):
        before2, before, _, after, after2 = names[index : index + 5]
        row = [
            *own[index],
            beside[index + 1].before,
            beside[index + 3].after,
            f"-1|0={before}|{word}",
            f"0|+1={word}|{after}",
            beside[index].before2,
            beside[index + 4].after2,
            f"-2|-1={before2}|{before}",
            f"+1|+2={after}|{after2}",
        ]
        if index:
            row += (beside[index + 1].before_ends, "-1sh=" + shapes[index - 1])
        if index + 1 < count:
            row += (beside[index + 3].after_ends, "+1sh=" + shapes[index + 1])
        row.append(("g" if glued[index] else "_") + ("g" if index + 1 < count and glued[index + 1] else "_"))
        for name, marks in marked:
            mark = marks[index]
            if mark:
                row.append(name + mark)
                row.append(name + mark + "|" + shapes[index])
            if index and marks[index - 1]:
                row.append("-1" + name + marks[index - 1])
            if index + 1 < count and marks[index + 1]:
                row.append("+1" + name + marks[index + 1])
        if expressed[index]:
            row.append("e=" + expressed[index])
        if index and expressed[index - 1]:
            row.append("-1e=" + expressed[index - 1])
        if index + 1 < count and expressed[index + 1]:
            row.append("+1e=" + expressed[index + 1])
        long = long_forms.get(tokens[index].text)
        if long is not None:
            _long_features(long, lists, row)
        rows.append(row)
    return rows


def near(tokens: Sequence[Token]) -> list[list[str]]:
    """For each token the words and numbers within ``WINDOW`` of it, by side, wherever exactly they stand."""
    left, right, places = [], [], [0]
    for token in tokens:
        if token.text[0].isalnum():
            word = plain_word(token.text)
            left.append("L=" + word)
            right.append("R=" + word)
        places.append(len(left))
    last = len(tokens)
    return [
        [
            *left[places[max(index - WINDOW, 0)] : places[index]],
            *right[places[index + 1] : places[min(index + 1 + WINDOW, last)]],
        ]
        for index in range(last)
    ]


def _long_features(long: str, lists: Mapping[str, WordList], row: list[str]) -> None:
    words = phrase_key(long).split(" ")
    row.append("lw=" + words[-1])
    row.append("ls=" + words[-1][-4:])
    for name, known in lists.items():
        if " ".join(words) in known or words[-1] in known or " ".join(words[-2:]) in known:
            row.append("l" + name)
