"""Command line of the quality measurement: ``python -m quality --data FOLDER [--set NAME] [--limit N]``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from quality.registry import Measures, Mistake, Run, all_sets
from quality.report import print_table, write


def main() -> int:
    """Scores every set found, prints the table and writes the report; 1 if a set could not be scored."""
    parser = argparse.ArgumentParser(prog="python -m quality", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with one sub-folder per data set")
    parser.add_argument("--set", dest="names", action="append", metavar="NAME", help="score only this set (repeatable)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N documents, images or rows of each data set")
    parser.add_argument("--out", type=Path, default=Path("build"), help="where the report goes (default: build)")
    arguments = parser.parse_args()
    known = all_sets()
    names = [one.name for one in known]
    if unknown := sorted(set(arguments.names or ()) - set(names)):
        parser.error(f"no set is called {', '.join(unknown)}; there are {', '.join(names)}")
    if not arguments.data.is_dir():
        parser.error(f"{arguments.data} is not a folder; name the one that holds the data sets with --data")
    results: dict[str, Measures] = {}
    mistakes: dict[str, list[Mistake]] = {}
    notes: list[str] = []
    for one in known:
        if arguments.names and one.name not in arguments.names:
            continue
        if not one.available(arguments.data):
            notes.append(f"{one.name}: not scored, {arguments.data} has no {' or '.join(one.folders)}")
            continue
        run, started = Run(arguments.data, arguments.limit), time.monotonic()
        results[one.name] = one.score(run)
        mistakes[one.name] = run.mistakes
        notes.extend(f"{one.name}: {note}" for note in run.notes)
        print(f"{one.name} scored in {time.monotonic() - started:.0f} s", file=sys.stderr)
    print_table(results)
    print("\n".join(notes))
    write(results, mistakes, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
