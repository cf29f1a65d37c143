"""Sets a page level that was scanned askew, and tells where on the page as it was scanned a box stands."""

from __future__ import annotations

import math

from PIL import Image

from exora.domain.document import Box


def levelled(image: Image.Image, degrees: float) -> Image.Image:
    """The page turned counter-clockwise by a few degrees, in paper of its own color, with nothing cut off.

    Args:
        image: in grey (mode "L").
        degrees: by which its lines sink to the right; negative where they rise.
    """
    levels = image.histogram()
    paper = max(range(256), key=lambda level: levels[level])
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)


def on_page(box: Box, degrees: float, level: Image.Image, page: Image.Image) -> Box:
    """The box around what stands in a box of the level page, on the page before it was turned.

    Args:
        box: fractions of the level page.
        degrees: by which the page was turned counter-clockwise.
        level, page: after and before.
    """
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    # From the middle of the page, about which it was turned, in pixels.
    across = ((box.x0 + box.x1) / 2 - 0.5) * level.width
    down = ((box.y0 + box.y1) / 2 - 0.5) * level.height
    x = 0.5 + (across * cosine - down * sine) / page.width
    y = 0.5 + (across * sine + down * cosine) / page.height
    width, height = (box.x1 - box.x0) * level.width, (box.y1 - box.y0) * level.height
    half_width = (width * cosine + height * abs(sine)) / 2 / page.width
    half_height = (height * cosine + width * abs(sine)) / 2 / page.height
    sides = (x - half_width, y - half_height, x + half_width, y + half_height)
    return Box(*(min(max(side, 0.0), 1.0) for side in sides))
