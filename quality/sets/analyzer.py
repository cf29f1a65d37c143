"""Speed and memory of the local analyzer alone, on transcribed reports set as plain pages."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import textwrap

from quality.registry import Measures, Run, scored

FOLDER = "mtsamples"
#: A page of running text, in characters.
PAGE = 3000
#: Pages analyzed; more tell no more.
MOST = 120

_CHILD = """
import json, resource, sys, time
from exora.documents.analysis.local import analyze_text
pages = json.load(sys.stdin)
analyze_text(pages[0], sha256="0" * 64)
started = time.process_time()
for page in pages:
    analyze_text(page, sha256="0" * 64)
spent = time.process_time() - started
print(json.dumps([len(pages) / spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


@scored("analyzer", FOLDER)
def score(run: Run) -> Measures:
    """Pages per CPU second once warm, and peak memory, of a process that does nothing else."""
    texts: list[str] = []
    for path in run.files(FOLDER, "*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            texts.extend(row.get("transcription") or "" for row in csv.DictReader(file))
    pages = [page for text in texts for page in textwrap.wrap(text, PAGE, replace_whitespace=False)][:MOST]
    command = [sys.executable, "-c", _CHILD]
    ran = subprocess.run(command, input=json.dumps(pages), capture_output=True, text=True, check=True)
    pages_per_s, peak_mb = json.loads(ran.stdout)
    return {"pages_per_s": pages_per_s, "peak_mb": peak_mb}
