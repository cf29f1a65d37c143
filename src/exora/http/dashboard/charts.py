"""Charts as SVG paths, drawn on the server: no library in the browser, nothing inline that a strict policy refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exora.domain.wording import number

WIDTH, HEIGHT = 600.0, 140.0
Say = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a chart: a line and the area under it, with gaps where nothing is known."""

    name: str
    style: str
    path: str
    area: str
    last: str


@dataclass(frozen=True, slots=True)
class Point:
    """Where the pointer finds the values of one moment."""

    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as its template draws it; heights of the grid are fractions from the top."""

    title: str
    unit: str
    top: str
    middle: str
    start: str
    end: str
    lines: list[Line]
    points: list[Point]
    empty: bool


def chart(
    title: str,
    times: Sequence[str],
    series: Sequence[tuple[str, str, Sequence[float | None]]],
    *,
    unit: str = "",
    say: Say | None = None,
) -> Chart:
    """Draw series over common times.

    Args:
        title: what is measured.
        times: a label for each moment, in order.
        series: (name, CSS class, values); None = unknown then.
        unit: said after numbers.
        say: how a value is said; None = as a number with its unit.
    """
    highest = max((value for _, _, values in series for value in values if value is not None), default=0.0)
    top = _round_up(highest)

    def said(value: float | None) -> str:
        if value is None:
            return "–"
        return f"{number(value)}{unit}" if say is None else say(value)

    step = WIDTH / max(len(times) - 1, 1)
    lines = [_line(name, style, values, top, step, said) for name, style, values in series]
    points = [
        Point(
            round(place * step - step / 2, 2),
            round(step, 2),
            f"{at}\n" + "\n".join(f"{name} {said(values[place])}" for name, _, values in series),
        )
        for place, at in enumerate(times)
    ]
    return Chart(
        title=title,
        unit=unit,
        top=said(top),
        middle=said(top / 2),
        start=times[0] if times else "",
        end=times[-1] if times else "",
        lines=lines,
        points=points,
        empty=highest == 0,
    )


def _line(
    name: str, style: str, values: Sequence[float | None], top: float, step: float, say: Callable[[float | None], str]
) -> Line:
    path, area, started = [], [], None
    for place, value in enumerate([*values, None]):
        if value is None:
            if started is not None:
                area.append(f"L{(place - 1) * step:.1f} {HEIGHT} L{started:.1f} {HEIGHT} Z")
            started = None
            continue
        x, y = place * step, HEIGHT - HEIGHT * value / top
        path.append(f"{'M' if started is None else 'L'}{x:.1f} {y:.1f}")
        area.append(f"{'M' if started is None else 'L'}{x:.1f} {y:.1f}")
        started = x if started is None else started
    last = next((value for value in reversed(values) if value is not None), None)
    return Line(name, style, " ".join(path), " ".join(area), say(last))


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, …: a scale that people can read."""
    size = 1e-3
    while size < value:
        for factor in (1, 2, 5):
            if size * factor >= value:
                return size * factor
        size *= 10
    return size if value > 0 else 1.0
