"""Entities in running text: abstracts (BC5CDR, NCBI disease) and case reports (MACCROBAT).

Documents that the packaged models were trained on are scored by models trained without them, in three folds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

from exora.documents.analysis.grammars import Entity
from exora.documents.analysis.sequence import Tagger, chemicals_and_diseases, clinical_entities, packaged
from quality.counting import Counts, Span, overlapping, strict
from quality.models import train
from quality.models.__main__ import TRAINED_ON
from quality.models.corpora import Document, read_bc5cdr, read_iob, read_maccrobat
from quality.registry import Measures, Run, scored

FOLDS = 3
#: Where the models of the folds are kept between runs; `make models` and `make clean` remove them.
CACHE = Path("build/models")
CASE_KINDS = ("drug", "problem", "test", "value", "dose", "date", "route", "frequency", "procedure", "age", "sex")
Find = Callable[[str], Sequence[Entity]]
#: Makes a finder trained without the documents named, kept under a name between runs.
Fit = Callable[[frozenset[str], str], Find]


def trained_on(corpus: str) -> frozenset[str]:
    """Names of the documents of a corpus that the packaged models were trained on."""
    lines = TRAINED_ON.read_text().splitlines()
    return frozenset(line.partition(" ")[2] for line in lines if line.startswith(corpus + " "))


class Tally:
    """Counts per kind of entity, strict and overlapping, with the errors noted in the run."""

    def __init__(self, run: Run, kinds: Sequence[str]) -> None:
        self._run = run
        self._counts = {kind: (Counts(), Counts()) for kind in kinds}

    def add(self, document: Document, found: Sequence[Entity]) -> None:
        """Counts a document's entities against its truth."""
        for kind, (exact, loose) in self._counts.items():
            truth = [(e.start, e.end) for e in document.entities if e.kind == kind]
            got = [(e.start, e.end) for e in found if e.kind == kind]
            exact.add(strict(truth, got))
            loose.add(overlapping(truth, got))
            for span in truth:
                if not _touches(span, got):
                    self._run.miss(f"{kind}_overlap_f1", _place(document, span), document.text[slice(*span)], "")
            for span in got:
                if not _touches(span, truth):
                    self._run.miss(f"{kind}_overlap_f1", _place(document, span), "", document.text[slice(*span)])

    def measures(self) -> Measures:
        """F1 by both countings; precision and recall of the loose one."""
        result: Measures = {}
        for kind, (exact, loose) in self._counts.items():
            if exact.truth:
                result[f"{kind}_strict_f1"] = exact.f1
                result[f"{kind}_overlap_f1"] = loose.f1
                result[f"{kind}_overlap_precision"] = loose.precision
                result[f"{kind}_overlap_recall"] = loose.recall
        return result


def _touches(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _place(document: Document, span: Span) -> str:
    start, end = span
    around = f"{document.text[max(0, start - 40) : start]}[{document.text[start:end]}]{document.text[end : end + 40]}"
    return f"{document.name}: {' '.join(around.split())}"


def score_corpus(
    run: Run, corpus: str, documents: Sequence[Document], kinds: Sequence[str], find: Find, fit: Fit
) -> Measures:
    """Scores a corpus, fold by fold where the packaged model was trained on it.

    Args:
        run: the run.
        corpus: the corpus' name in the list of training documents.
        documents: all its documents; the run's limit applies.
        kinds: the kinds of entity to count.
        find: finds entities with the packaged model.
        fit: makes a finder whose model was trained without the documents named.
    """
    seen, tally = trained_on(corpus), Tally(run, kinds)
    known = [document for document in documents if document.name in seen]
    wanted = {document.name for document in run.some(documents)}
    for document in documents:
        if document.name in wanted and document.name not in seen:
            tally.add(document, find(document.text))
    for number in range(FOLDS):
        fold = known[number::FOLDS]
        chosen = [document for document in fold if document.name in wanted]
        if chosen:
            out = frozenset(document.name for document in fold)
            find_apart = fit(out, f"{corpus}-{number}")
            for document in chosen:
                tally.add(document, find_apart(document.text))
    if wanted & seen:
        run.notes.append(
            f"{len(wanted & seen)} documents scored by models trained without them, on two thirds of the set"
        )
    return tally.measures()


def _cached(name: str, fit: Callable[[], bytes]) -> Tagger:
    path = CACHE / f"{name}.crf"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        path.write_bytes(fit())
    return Tagger(path.read_bytes())


@scored("bc5cdr", "bc5cdr")
def score_abstracts(run: Run) -> Measures:
    """Chemicals and diseases of abstracts."""

    def fit(out: frozenset[str], name: str) -> Find:
        kept = [d for d in train.training_abstracts(run.data) if d.name not in out]
        tagger = _cached(name, lambda: train.train_abstracts(kept))
        return functools.partial(chemicals_and_diseases, abstracts=tagger)

    documents = read_bc5cdr(run.folder("bc5cdr"))
    return score_corpus(run, "bc5cdr", documents, ("chemical", "disease"), chemicals_and_diseases, fit)


@scored("maccrobat", "maccrobat")
def score_case_reports(run: Run) -> Measures:
    """Clinical entities of case reports; in a fold neither annotations nor words of the reports scored are known."""

    def fit(out: frozenset[str], name: str) -> Find:
        kept = [d for d in train.training_case_reports(run.data) if d.name not in out]
        classes = train.group_words(train.training_abstracts(run.data), kept)
        tagger = _cached(name, lambda: train.train_case_reports(kept, packaged("abstracts"), classes))
        return functools.partial(clinical_entities, case_reports=tagger, classes=classes)

    documents = read_maccrobat(run.folder("maccrobat"))
    return score_corpus(run, "maccrobat", documents, CASE_KINDS, clinical_entities, fit)


@scored("ncbi-disease", "ncbi-disease")
def score_other_abstracts(run: Run) -> Measures:
    """Diseases in another corpus of abstracts, which nothing was trained on; its tokens joined by blanks."""
    tally = Tally(run, ("disease",))
    documents = [d for path in sorted(run.folder("ncbi-disease").glob("*.tsv")) for d in read_iob(path, "disease")]
    for document in run.some(documents):
        tally.add(document, chemicals_and_diseases(document.text))
    return tally.measures()
