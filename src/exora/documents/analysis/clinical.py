"""What the model of case reports looks at besides: words near, the likes of a word, brackets, what was told before."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence

from exora.documents.analysis.features import Token, WordList, near, phrase_key, plain_word
from exora.documents.analysis.lexicon import measurement_names, read_lines

#: A word to the numbers of its groups, a finer and a coarser one (``quality.models.classes``).
Classes = Mapping[str, tuple[int, ...]]


#: Words this short are told again and again.
_SHORT = 3


@functools.cache
def packaged_classes() -> Classes:
    """The packaged groups of words."""
    rows = (line.split("\t") for line in read_lines("word-classes.tsv.gz"))
    return {word: (int(fine), int(coarse)) for word, fine, coarse in rows}


@functools.cache
def clinical_lists() -> dict[str, WordList]:
    """The packaged lists of tests, procedures and findings, under the letters of their attributes."""
    findings = (name for line in read_lines("findings.txt") for name in line.split(","))
    return {
        "lT": WordList(map(phrase_key, measurement_names())),
        "lP": WordList(map(phrase_key, read_lines("procedures.txt"))),
        "lF": WordList(map(phrase_key, findings)),
    }


def clinical_features(
    tokens: Sequence[Token], tags: Sequence[str], again: Collection[str], classes: Classes
) -> list[list[str]]:
    """More attributes of every token of a sentence.

    Args:
        tokens: the sentence's tokens.
        tags: the label the model of abstracts gives each.
        again: its words that stand in sentences before, in lower case.
        classes: the groups of words.
    """
    rows = near(tokens)
    words = [plain_word(token.text) for token in tokens]
    last = len(tokens) - 1
    groups = [classes.get(word) for word in words]
    places = [index for index, token in enumerate(tokens) if token.text[0].isalnum()]
    lower = [tokens[index].text.lower() for index in places]
    marked = [(name, known.marks(lower, places, len(tokens))) for name, known in clinical_lists().items()]
    depth = 0
    for index, row in enumerate(rows):
        row.append("m=" + tags[index])
        if index:
            row.append("-1m=" + tags[index - 1])
        if index < last:
            row.append("+1m=" + tags[index + 1])
        _likes(groups, index, row)
        for name, marks in marked:
            if marks[index]:
                row.append(name + marks[index])
        word = words[index]
        depth += word in "(["
        if depth:
            row.append("in(")
        depth -= word in ")]" and depth > 0
        if len(word) > _SHORT and word in again:
            row.append("seen")
    return rows


def _likes(groups: Sequence[tuple[int, ...] | None], index: int, row: list[str]) -> None:
    """Adds the groups of the word and its neighbors."""
    own = groups[index]
    before = groups[index - 1] if index else None
    after = groups[index + 1] if index + 1 < len(groups) else None
    if index > 1 and (farther := groups[index - 2]):
        row.append(f"-2c={farther[0]}")
    if before:
        row += (f"-1c={before[0]}", f"-1C={before[1]}")
    if own:
        row += (f"c={own[0]}", f"C={own[1]}")
    if after:
        row += (f"+1c={after[0]}", f"+1C={after[1]}")
    if index + 2 < len(groups) and (farther := groups[index + 2]):
        row.append(f"+2c={farther[0]}")
    if own and before:
        row.append(f"-1|0C={before[1]}|{own[1]}")
    if own and after:
        row.append(f"0|+1C={own[1]}|{after[1]}")
