"""Hostile and odd files: each ends in pages or a typed error, in bounded time, and takes no process with it."""

from __future__ import annotations

from collections import Counter

from exora.domain.document import DocumentLimits
from exora.errors import DocumentError
from quality.reading import read_files
from quality.registry import Measures, Run, scored


@scored("bad-files", "bad-files")
def score_bad_files(run: Run) -> Measures:
    """Outcomes by kind; ``hung`` past the limits of its pages, ``crashed`` with anything but a document's error."""
    files = [path for path in run.files("bad-files", "*/*") if path.is_file()]
    limits = DocumentLimits()
    outcomes: Counter[str] = Counter()
    hung = crashed = 0
    slowest = 0.0
    for path, read in zip(files, read_files((path.read_bytes() for path in files), limits=limits), strict=True):
        outcome = "pages" if read.error is None else read.error.code
        outcomes[outcome] += 1
        allowed = limits.page_wall_s * (2 + 2 * len(read.pages))
        hung += read.seconds > allowed
        is_crash = read.error is not None and (
            not isinstance(read.error, DocumentError) or "crashed" in read.error.message
        )
        crashed += is_crash
        slowest = max(slowest, read.seconds)
        if is_crash or read.seconds > allowed:
            run.miss("crashed" if is_crash else "hung", path.name, "pages or a typed error", outcome)
    run.notes.append(", ".join(f"{count} {name}" for name, count in outcomes.most_common()))
    return {
        "files": len(files),
        "pages_or_typed_error": (len(files) - crashed) / max(len(files), 1),
        "hung": hung,
        "crashed": crashed,
        "slowest_s": slowest,
    }
