"""Recognition: forms, receipts, scanned pages, and reports drawn cleanly, degraded and turned."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from exora.domain.document import PageText
from quality.counting import Counts, bags
from quality.distance import edit_distance, overlap, plain_words
from quality.reading import read_files
from quality.registry import Measures, Run, scored
from quality.rendered import degraded, png, render, scan

_SAME_BOX = 0.5


@scored("funsd", "funsd")
def score_funsd(run: Run) -> Measures:
    """Words of noisy forms at about 95 dpi, and how many stand where the truth has them."""
    images = run.files("funsd", "images/*")
    counts, placed, words = Counts(), 0, 0
    for image, page in _pages(images):
        form = json.loads((image.parents[1] / "annotations" / f"{image.stem}.json").read_text())["form"]
        truth = [(word["text"], word["box"]) for field in form for word in field["words"] if word["text"].strip()]
        counts.add(_compare(run, image.stem, [text for text, _ in truth], page))
        placed += sum(_is_placed(text, box, page) for text, box in truth)
        words += len(truth)
    return {"word_f1": counts.f1, "box_recall": placed / max(words, 1)}


@scored("sroie", "sroie")
def score_sroie(run: Run) -> Measures:
    """Words of photographed receipts."""
    counts = Counts()
    for image, page in _pages(run.files("sroie", "img/*")):
        with (image.parents[1] / "box" / f"{image.stem}.csv").open(encoding="utf-8", errors="replace") as rows:
            truth = [word for row in rows if row.count(",") >= 8 for word in row.split(",", 8)[8].split()]
        counts.add(_compare(run, image.stem, truth, page))
    return {"word_f1": counts.f1}


@scored("unlv-pages", "unlv-pages")
def score_unlv_pages(run: Run) -> Measures:
    """Scanned pages with a text beside them, and the first of them in other orientations."""
    folder = run.folder("unlv-pages")
    truths = {path: path.with_suffix(".txt") for path in run.files("unlv-pages", "*.tif")}
    upright = [path for path, text in truths.items() if text.exists()]
    turned = [path for path in sorted(folder.glob("*rot*")) if "phototest" in path.name]
    measures = {}
    for name, paths in (("cer", upright), ("rotated_cer", turned)):
        edits = letters = 0
        for path, page in _pages(paths):
            truth = (folder / "phototest.txt" if name == "rotated_cer" else truths[path]).read_text().split()
            edits += edit_distance(" ".join(truth), " ".join(page.text.split()))
            letters += len(" ".join(truth))
        if letters:
            measures[name] = edits / letters
    return measures


@scored("rendered", "mtsamples")
def score_rendered(run: Run) -> Measures:
    """Reports drawn at 300 dpi, the same degraded, and the first turned: error rates of characters and words."""
    with (run.folder("mtsamples") / "mtsamples.csv").open(encoding="utf-8") as file:
        reports = [row["transcription"] for row in csv.DictReader(file) if len(row["transcription"] or "") > 1500]
    renderings = [render(report, number) for number, report in enumerate(run.some(reports[:12]))]
    first = renderings[0]
    files = {
        "clean": [png(scan(each, 300), 300) for each in renderings],
        "degraded": [degraded(each, seed) for seed, each in enumerate(renderings)],
        "rotated": [png(scan(first, 200).rotate(turn, expand=True), 200) for turn in (90, 180, 270)],
    }
    measures = {}
    for name, contents in files.items():
        truths = [first.lines] * 3 if name == "rotated" else [each.lines for each in renderings]
        characters, words = [0, 0], [0, 0]
        for number, (truth, read) in enumerate(zip(truths, read_files(contents), strict=True)):
            found = read.pages[0].text if read.pages else ""
            characters[0] += _missed(run, f"{name}_cer", f"page {number}", truth, found)
            words[0] += edit_distance(" ".join(truth).split(), found.split())
            characters[1] += len(" ".join(truth))
            words[1] += len(" ".join(truth).split())
        measures[f"{name}_cer"] = characters[0] / characters[1]
        measures[f"{name}_wer"] = words[0] / words[1]
    return measures


def _pages(paths: Sequence[Path]) -> Iterable[tuple[Path, PageText]]:
    """Each image's page; one that cannot be read has no words."""
    for path, read in zip(paths, read_files(path.read_bytes() for path in paths), strict=True):
        with Image.open(path) as image:
            size = image.size
        yield path, read.pages[0] if read.pages else PageText(1, *size, (), "ocr", "none")


def _compare(run: Run, where: str, truth: Sequence[str], page: PageText) -> Counts:
    wanted, got = plain_words(truth), plain_words([word.text for word in page.words])
    missing, extra = list(wanted), list(got)
    for word in wanted:
        if word in extra:
            missing.remove(word)
            extra.remove(word)
    if missing or extra:
        run.miss("word_f1", f"{where} ({page.engine})", " ".join(missing[:12]), " ".join(extra[:12]))
    return bags(wanted, got)


def _is_placed(text: str, box: Sequence[float], page: PageText) -> bool:
    """Whether a word was found with equal text where the truth has it."""
    wanted = plain_words([text])
    return any(
        word.box is not None
        and plain_words([word.text]) == wanted
        and overlap(box, [part * (page.height if at % 2 else page.width) for at, part in enumerate(word.box)])
        >= _SAME_BOX
        for word in page.words
    )


def _missed(run: Run, measure: str, where: str, truth: Sequence[str], found: str) -> int:
    """Edits of the whole page; lines that differ are noted."""
    got = set(found.splitlines())
    for line in truth:
        if line not in got:
            nearest = min(found.splitlines(), key=lambda each: edit_distance(line, each), default="")
            run.miss(measure, where, line, nearest)
    return edit_distance(" ".join(truth), " ".join(found.split()))
