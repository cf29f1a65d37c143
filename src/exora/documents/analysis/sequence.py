"""Finds clinical entities in running text with two conditional random fields.

The first was trained on abstracts (BC5CDR: chemicals and diseases), the second on case reports (MACCROBAT:
drugs, problems, tests, values, doses, ...), which sees what the first found. Lafferty et al. 2001 describe
the model. ``quality.models`` trains both.
"""

from __future__ import annotations

import functools
import gzip
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple

import pycrfsuite

from exora.documents.analysis.clinical import Classes, clinical_features, packaged_classes
from exora.documents.analysis.context import sentences
from exora.documents.analysis.features import Token, WordList, abbreviations, plain_word, sentence_features, tokenize
from exora.documents.analysis.grammars import Entity, with_points_in_time, without_references
from exora.documents.analysis.lexicon import read_lines

#: Labels of the second model that name no entity of the record; they were trained to keep the others apart.
DECOY = "x-"
#: A token is taken for a kind from this probability on, whatever its most probable label. The annotators of case
#: reports left out much; half the probability would find too little of what they marked.
ADMITTED = 0.3
#: An entity of these kinds stands only if one of its tokens is more probably of the kind than not.
_CERTAIN = frozenset({"drug", "test", "dose"})
#: Up to this probability of its most probable label's kind, a token may be of another kind that is more probable.
_UNSURE = 0.5
#: A name found once also counts where the model passed over it, unless it did so more than twice as often.
_REPEATED = 0.5


class Sentence(NamedTuple):
    """A sentence's tokens, the attributes of each, and which of its words stand in sentences before it."""

    tokens: list[Token]
    features: list[list[str]]
    again: frozenset[str] = frozenset()


class Tagger:
    """A trained model: attributes of a sentence's tokens to entities. Threads may share it, one at a time is served."""

    def __init__(self, model: bytes) -> None:
        # The library reads the model where it lies and does not keep it alive.
        self._model = model
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open_inmemory(self._model)
        # The library's object holds one sentence: probabilities are those of the sentence set last.
        self._turn = threading.Lock()
        self._kinds: dict[str, str] = {label: kind_of(label) for label in self._tagger.labels()}
        self._entity = [(label, kind) for label, kind in self._kinds.items() if kind]
        self._labels = {kind: [label for label, of in self._entity if of == kind] for _, kind in self._entity}

    def tags(self, sentence: Sentence) -> list[str]:
        """The most probable label of each token."""
        with self._turn:
            return list(self._tagger.tag(sentence.features))

    def entities(self, sentence: Sentence, *, admitting: bool = False) -> list[Entity]:
        """The entities of a sentence.

        Args:
            sentence: as ``read_sentences`` makes it.
            admitting: whether a token may be taken for a kind against its most probable label (see ``ADMITTED``).
        """
        if not sentence.tokens:
            return []
        with self._turn:
            return self._entities(sentence, admitting)

    def _entities(self, sentence: Sentence, admitting: bool) -> list[Entity]:
        self._tagger.set(sentence.features)
        labels = self._tagger.tag()
        found: list[list[float | int | str]] = []
        open_kind, doubtful = "", 0.0
        for index, label in enumerate(labels):
            kind, probability, begins = self._choice(label, index, admitting)
            if not kind:
                open_kind = ""
                continue
            if kind == open_kind and doubtful:
                # Whether this token begins an entity was said for a token before it that belongs to none.
                begins = self._mass(kind, index, "IE") < doubtful / 2
            doubtful = 0.0 if kind == self._kinds[label] else probability
            token = sentence.tokens[index]
            if found and kind == open_kind and not begins:
                last = found[-1]
                last[1], last[3], last[4] = token.end, float(last[3]) + probability, int(last[4]) + 1
                last[5] = max(float(last[5]), probability)
            else:
                found.append([token.start, token.end, kind, probability, 1, probability])
            open_kind = "" if label[0] in "ES" else kind
        return [
            Entity(int(start), int(end), str(kind), float(total) / int(count))
            for start, end, kind, total, count, most in found
            if kind not in _CERTAIN or float(most) >= _UNSURE
        ]

    def _choice(self, label: str, index: int, admitting: bool) -> tuple[str, float, bool]:
        """The kind a token is taken for, "" for none; its probability; whether an entity begins with it."""
        kind, begins = self._kinds[label], label[0] in "BS"
        if kind:
            probability = self._mass(kind, index)
            if not admitting or probability > _UNSURE:
                return kind, probability, begins
        elif not admitting or self._tagger.marginal(label, index) > 1 - ADMITTED:
            return "", 0.0, False
        likeliest, probability, starts = self._likeliest(index)
        if probability < ADMITTED:
            return "", 0.0, False
        return likeliest, probability, begins if likeliest == kind else starts

    def _mass(self, kind: str, index: int, places: str = "BIES") -> float:
        return float(sum(self._tagger.marginal(each, index) for each in self._labels[kind] if each[0] in places))

    def _likeliest(self, index: int) -> tuple[str, float, bool]:
        mass: dict[str, float] = defaultdict(float)
        begins: dict[str, float] = defaultdict(float)
        for label, kind in self._entity:
            probability = self._tagger.marginal(label, index)
            mass[kind] += probability
            if label[0] in "BS":
                begins[kind] += probability
        best = max(mass, key=lambda kind: mass[kind])
        return best, mass[best], begins[best] > mass[best] / 2


def kind_of(label: str) -> str:
    """The kind of entity a label stands for: "problem" for "B-problem.s", "" for "O" and for decoys."""
    name = label[2:]
    return "" if label == "O" or name.startswith(DECOY) else name.partition(".")[0]


def read_sentences(text: str, lists: Mapping[str, WordList] | None = None) -> list[Sentence]:
    """The sentences of a text with their attributes."""
    known = word_lists() if lists is None else lists
    long_forms = abbreviations(text)
    read = []
    told: set[str] = set()
    for start, end in sentences(text):
        tokens = tokenize(text, start, end)
        if tokens:
            words = {plain_word(token.text) for token in tokens}
            again = frozenset(words & told)
            read.append(Sentence(tokens, sentence_features(text, tokens, known, long_forms), again))
            told |= words
    return read


def with_tags(sentence: Sentence, tags: Sequence[str], classes: Classes | None = None) -> Sentence:
    """The sentence as the second model sees it, the first model's labels and more among the attributes.

    Args:
        sentence: as ``read_sentences`` makes it.
        tags: the first model's labels.
        classes: groups of words; the packaged ones for None.
    """
    known = packaged_classes() if classes is None else classes
    more = clinical_features(sentence.tokens, tags, sentence.again, known)
    return sentence._replace(features=[[*row, *added] for row, added in zip(sentence.features, more, strict=True)])


def repeat(text: str, found: Sequence[Entity], kinds: Iterable[str]) -> list[Entity]:
    """The entities, with those the model passed over elsewhere in the text: a name means the same throughout,
    and a short form means what its long form does."""
    wanted = frozenset(kinds)
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for entity in found:
        if entity.kind in wanted:
            votes[_name(text[entity.start : entity.end])][entity.kind] += 1
    for short, long in abbreviations(text).items():
        if long.lower() in votes:
            votes[short][votes[long.lower()].most_common(1)[0][0]] += 1
    result = list(found)
    for name in sorted(votes, key=lambda name: (-len(name), name)):
        if len(name) < 2 or not any(map(str.isalpha, name)):
            continue
        kind, count = votes[name].most_common(1)[0]
        flags = re.I if len(name) > _SHORT_NAME else 0
        pattern = r"(?<!\w)" + re.escape(name).replace(r"\ ", r"\s+") + r"(?!\w)"
        places = [match.span() for match in re.finditer(pattern, text, flags)]
        free = [(a, b) for a, b in places if all(b <= e.start or e.end <= a for e in result)]
        if free and count >= _REPEATED * len(free):
            result.extend(Entity(a, b, kind, _REPEATED) for a, b in free)
    return sorted(result)


_SHORT_NAME = 4


def _name(printed: str) -> str:
    """A name as counted: long ones without regard to case."""
    return " ".join(printed.lower().split()) if len(printed) > _SHORT_NAME else printed


@functools.cache
def word_lists() -> dict[str, WordList]:
    """The packaged lists of names that the models look at."""
    return {"D": WordList(read_lines("disease-names.txt.gz")), "C": WordList(read_lines("drug-names.txt.gz"))}


@functools.cache
def packaged(name: str) -> Tagger:
    """A packaged model, "abstracts" or "case-reports"."""
    data = (files("exora.documents.analysis") / "models" / f"{name}.crf.gz").read_bytes()
    return Tagger(gzip.decompress(data))


def chemicals_and_diseases(text: str, abstracts: Tagger | None = None) -> list[Entity]:
    """The chemicals and diseases a text names, by the model of abstracts."""
    tagger = abstracts or packaged("abstracts")
    found = [entity for sentence in read_sentences(text) for entity in tagger.entities(sentence)]
    return repeat(text, found, ("chemical", "disease"))


def clinical_entities(text: str, case_reports: Tagger | None = None, classes: Classes | None = None) -> list[Entity]:
    """The drugs, problems, tests, values, doses, routes, frequencies, procedures, dates, age and sex a text names.

    Args:
        text: any text.
        case_reports, classes: another model than the packaged one, and the groups of words it was trained with.
    """
    return with_points_in_time(text, without_references(text, _modeled(text, case_reports, classes)))


def _modeled(text: str, case_reports: Tagger | None = None, classes: Classes | None = None) -> list[Entity]:
    """What the models alone find."""
    first, second = packaged("abstracts"), case_reports or packaged("case-reports")
    found: list[Entity] = []
    for sentence in read_sentences(text):
        found.extend(second.entities(with_tags(sentence, first.tags(sentence), classes), admitting=True))
    return repeat(text, found, ("drug",))


@functools.lru_cache(maxsize=256)
def sentence_entities(sentence: str) -> tuple[Entity, ...]:
    """What the models find in one sentence, kept for the several readers that ask for it in turn."""
    return tuple(_modeled(sentence))


def surely(sentence: str, kind: str, probability: float) -> list[Entity]:
    """The entities of one kind in a sentence that the model is at least this sure of, of three letters or more."""
    return [
        entity
        for entity in sentence_entities(sentence)
        if entity.kind == kind
        and entity.probability >= probability
        and sum(map(str.isalpha, sentence[entity.start : entity.end])) > 2
    ]
