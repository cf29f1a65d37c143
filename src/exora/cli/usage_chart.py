"""The chart of a usage report: jobs, pages, tokens and money a day, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from PIL import Image, ImageDraw, ImageFont

from exora.domain.operations import Usage

_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM = 1200, 240, 90, 24, 44, 30
_INK, _SOFT, _RULE, _GROUND = "#16202a", "#5b6875", "#e1e6ea", "#ffffff"


def draw_usage(rows: Sequence[Usage], first: date, last: date) -> Image.Image:
    """Four panels of bars, a bar a day: completed jobs, pages, tokens, US dollars.

    Args:
        rows: summed by day.
        first, last: the days shown.
    """
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    of_day = {row.day: row for row in rows}
    panels = (
        ("Completed jobs a day", ("completed",), "#0f766e"),
        ("Pages a day", ("pages",), "#2563eb"),
        ("Tokens a day", ("input_tokens", "output_tokens"), "#7c3aed"),
        ("US$ a day", ("usd",), "#a16207"),
    )
    picture = Image.new("RGB", (_WIDTH, _PANEL * len(panels)), _GROUND)
    draw = ImageDraw.Draw(picture)
    for place, (title, names, color) in enumerate(panels):
        values = [float(sum(getattr(of_day[day], name) for name in names)) if day in of_day else 0.0 for day in days]
        _panel(draw, place * _PANEL, title, days, values, color)
    return picture


def _panel(
    draw: ImageDraw.ImageDraw, top: int, title: str, days: Sequence[date], values: Sequence[float], color: str
) -> None:
    bold, small = ImageFont.load_default(18), ImageFont.load_default(13)
    high, low = top + _TOP, top + _PANEL - _BOTTOM
    most = max(values) or 1.0
    draw.text((_LEFT, top + 12), f"{title}: {_number(sum(values))} in all", fill=_INK, font=bold)
    for share in (0.0, 0.5, 1.0):
        y = low - (low - high) * share
        draw.line((_LEFT, y, _WIDTH - _RIGHT, y), fill=_RULE)
        draw.text((_LEFT - 8, y), _number(most * share), fill=_SOFT, font=small, anchor="rm")
    step = (_WIDTH - _LEFT - _RIGHT) / len(days)
    for place, value in enumerate(values):
        x = _LEFT + place * step
        if value:
            draw.rectangle((x + step * 0.12, low - (low - high) * value / most, x + step * 0.88, low), fill=color)
        if place % max(len(days) // 10, 1) == 0:
            draw.text((x + step / 2, low + 6), f"{days[place]:%d %b}", fill=_SOFT, font=small, anchor="ma")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"
