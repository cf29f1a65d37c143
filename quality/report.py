"""Prints the table of measures and writes ``quality.json``, the mistakes and the chart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from quality.aims import AIMS, reached
from quality.registry import Measures, Mistake

Results = Mapping[str, Measures]
_ROW, _LEFT, _BAR, _RIGHT = 26, 330, 560, 120
_MET, _UNMET, _NO_AIM, _INK, _MARK = "#2f7d5b", "#c46a2b", "#6b86a8", "#222222", "#111111"


def print_table(results: Results, console: Console | None = None) -> None:
    """One row per measure, with its aim where it has one."""
    table = Table("set", "measure", "value", "aim", "", title="Quality")
    table.columns[2].justify = table.columns[3].justify = "right"
    for name, measures in results.items():
        for measure, value in measures.items():
            aim = AIMS.get(f"{name}.{measure}")
            verdict = "" if aim is None else "reached" if reached(aim, value) else "missed"
            table.add_row(name, measure, _number(value), "" if aim is None else f"{aim.sign} {aim.bound:g}", verdict)
    (console or Console(width=110)).print(table)


def write(results: Results, mistakes: Mapping[str, Sequence[Mistake]], folder: Path) -> None:
    """Writes ``quality.json``, ``quality-mistakes.json``, ``quality.png``; sets not scored now keep their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "quality.json"
    known: dict[str, Measures] = json.loads(path.read_text()) if path.exists() else {}
    merged = {**known, **results}
    path.write_text(json.dumps(dict(sorted(merged.items())), indent=2) + "\n")
    detail = {name: [asdict(mistake) for mistake in found] for name, found in mistakes.items()}
    (folder / "quality-mistakes.json").write_text(json.dumps(detail, indent=1, ensure_ascii=False) + "\n")
    chart(merged).save(folder / "quality.png")


def chart(results: Results) -> Image.Image:
    """A bar per share, with a mark where its aim is."""
    bars = [
        (f"{name}.{measure}", value)
        for name, measures in sorted(results.items())
        for measure, value in measures.items()
        if 0 <= value <= 1 and not measure.endswith(("cer", "wer"))
    ]
    image = Image.new("RGB", (_LEFT + _BAR + _RIGHT, _ROW * (len(bars) + 2)), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for index, (name, value) in enumerate(bars):
        top = _ROW * (index + 1)
        aim = AIMS.get(name)
        color = _NO_AIM if aim is None else _MET if reached(aim, value) else _UNMET
        draw.text((_LEFT - 10, top + 4), name, fill=_INK, font=font, anchor="ra")
        draw.rectangle((_LEFT, top + 3, _LEFT + round(_BAR * value), top + _ROW - 5), fill=color)
        if aim is not None and aim.bound <= 1:
            x = _LEFT + round(_BAR * aim.bound)
            draw.line((x, top, x, top + _ROW - 2), fill=_MARK, width=2)
        draw.text((_LEFT + _BAR + 12, top + 4), _number(value), fill=_INK, font=font)
    return image


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) and value != 1 else f"{value:.4f}" if value < 0.02 else f"{value:.3f}"
