"""How numbers are said to people: counts, lengths of time, amounts of money."""

from __future__ import annotations


def number(value: float) -> str:
    """A count in few characters: 950, 1.2k, 3.4M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.3g}{letter}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def usd(value: float) -> str:
    """An amount of money in US dollars: to the cent, or small ones to two digits."""
    return f"${value:,.2f}" if value >= 0.995 or value == 0 else f"${value:.2g}"


def span(seconds: float | None) -> str:
    """A length of time in one unit."""
    if seconds is None:
        return "–"
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= size * (2 if unit != "s" else 1):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1000:.3g} ms" if seconds else "0 s"


def coarse(seconds: float | None) -> str:
    """A length of time in one unit and whole numbers."""
    if seconds is None:
        return "–"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size * 2:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
