"""Finding one's way in a C-CDA: elements by local name, codes, values and times as they are written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_TIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?")


def local(element: Element) -> str:
    """The element's name without namespace."""
    return element.tag.rpartition("}")[2]


def children(element: Element | None, name: str) -> Iterator[Element]:
    """Children of one name."""
    if element is not None:
        yield from (child for child in element if local(child) == name)


def first(element: Element | None, *path: str) -> Element | None:
    """The first element down a path of names, backtracking over none."""
    for name in path:
        element = next(children(element, name), None)
    return element


def attribute(element: Element | None, name: str) -> str | None:
    """An attribute that is present, not empty and not of an element said to be null."""
    if element is None:
        return None
    value = (element.get(name) or "").strip()
    return value or None


def value_type(element: Element) -> str:
    """The data type of a value, e.g. "PQ"."""
    return element.get(_XSI_TYPE, "").rpartition(":")[2]


def plain(element: Element | None) -> str:
    """All text in an element, white space collapsed."""
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def template_ids(element: Element) -> set[str]:
    """The templates an element says it conforms to."""
    return {root for each in children(element, "templateId") if (root := each.get("root"))}


def iso_date(text: str | None) -> str | None:
    """An HL7 time ("201208151005-0800") as a date of the same precision, at most a day's."""
    found = _TIME.match(text or "")
    if found is None or not "1800" < found.group(1) < "2200":
        return None
    return "-".join(part for part in found.groups() if part)


def time_of(element: Element | None) -> str | None:
    """The date of an effectiveTime: its value, else its start, else its middle or end."""
    if element is None:
        return None
    times = [element.get("value")]
    times += [attribute(first(element, name), "value") for name in ("low", "center", "high")]
    return next((date for text in times if (date := iso_date(text))), None)
