"""Trains the sequence models; the same data gives the same files, bit for bit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pycrfsuite

from exora.documents.analysis.clinical import Classes
from exora.documents.analysis.features import Token
from exora.documents.analysis.sequence import DECOY, Sentence, Tagger, read_sentences, with_tags
from quality.models.classes import word_classes
from quality.models.corpora import CASE_REPORT_KINDS, Document, Entity, read_bc5cdr, read_maccrobat

#: Diseases and symptoms are told apart in training, as their annotators did, and joined again in use.
TRAINED_KINDS = {**CASE_REPORT_KINDS, "Disease_disorder": "problem.d", "Sign_symptom": "problem.s"}
#: Kinds that are not of the record but are easily taken for one that is.
DECOY_KINDS = {
    kind: DECOY + kind.lower()
    for kind in (
        "Biological_structure",
        "Detailed_description",
        "Severity",
        "Clinical_event",
        "History",
        "Duration",
        "Time",
        "Distance",
        "Nonbiological_location",
        "Coreference",
        "Family_history",
    )
}
_ABSTRACTS = {"c1": 0.05, "c2": 0.02, "max_iterations": 80, "feature.minfreq": 2}
_CASE_REPORTS = {"c1": 0.1, "c2": 0.05, "max_iterations": 70, "feature.minfreq": 2}


def labels(tokens: Sequence[Token], entities: Iterable[Entity], *, ends: bool) -> list[str]:
    """The label of each token: B-, I- and, where ``ends``, E- and S-, with the kind; "O" outside."""
    tags = ["O"] * len(tokens)
    for entity in entities:
        inside = [i for i, token in enumerate(tokens) if token.start < entity.end and entity.start < token.end]
        for i in inside:
            tags[i] = "I-" + entity.kind
        if not inside:
            continue
        first, last = inside[0], inside[-1]
        tags[first] = ("S-" if ends and first == last else "B-") + entity.kind
        if ends and first != last:
            tags[last] = "E-" + entity.kind
    return tags


Labeled = list[tuple[Sentence, list[str]]]


def _fit(examples: Iterable[tuple[Sentence, list[str]]], parameters: dict[str, float]) -> bytes:
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.select("lbfgs")
    trainer.set_params({**parameters, "feature.possible_transitions": True})
    for sentence, tags in examples:
        trainer.append(sentence.features, tags)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.crf"
        trainer.train(str(path))
        return path.read_bytes()


def abstracts_examples(documents: Iterable[Document]) -> Labeled:
    """Sentences of abstracts with their labels."""
    return [
        (sentence, labels(sentence.tokens, document.entities, ends=True))
        for document in documents
        for sentence in read_sentences(document.text)
    ]


def case_report_examples(documents: Iterable[Document], abstracts: Tagger, classes: Classes) -> Labeled:
    """Sentences of case reports with their labels, the other model's labels and groups of words included."""
    return [
        (with_tags(sentence, abstracts.tags(sentence), classes), labels(sentence.tokens, document.entities, ends=False))
        for document in documents
        for sentence in read_sentences(document.text)
    ]


def train_abstracts(documents: Iterable[Document]) -> bytes:
    """The model of chemicals and diseases."""
    return _fit(abstracts_examples(documents), _ABSTRACTS)


def train_case_reports(documents: Iterable[Document], abstracts: Tagger, classes: Classes) -> bytes:
    """The model of case reports."""
    return _fit(case_report_examples(documents, abstracts, classes), _CASE_REPORTS)


def group_words(abstracts: Iterable[Document], reports: Iterable[Document]) -> dict[str, tuple[int, ...]]:
    """Groups of the words of the texts; their annotations are not looked at."""
    return word_classes([document.text for document in (*abstracts, *reports)])


def training_abstracts(data: Path) -> list[Document]:
    """The abstracts of the data folder."""
    return read_bc5cdr(data / "bc5cdr")


def training_case_reports(data: Path) -> list[Document]:
    """The case reports of the data folder with all kinds that are trained; a decoy gives way to any other kind."""
    documents = read_maccrobat(data / "maccrobat", TRAINED_KINDS)
    decoys = {document.name: document.entities for document in read_maccrobat(data / "maccrobat", DECOY_KINDS)}
    for document in documents:
        free = [
            decoy
            for decoy in decoys[document.name]
            if all(decoy.end <= entity.start or entity.end <= decoy.start for entity in document.entities)
        ]
        document.entities = sorted([*document.entities, *free])
    return documents
