"""The sections of a C-CDA laid out as one text, with what each narrative element says and where its section lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from exora.documents.ccda.narrative import narrative_lines, spoken
from exora.documents.ccda.xml import attribute, children, first, plain
from exora.documents.layout import Layout


@dataclass(frozen=True)
class Section:
    """One section: its kind, its coded entries, and the span of its title and narrative in the document's text."""

    code: str | None
    entries: tuple[Element, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Narrative:
    """A document's sections and their text.

    Attributes:
        text: title, patient and all narrative, columns kept.
        sections: in order, those of sections within sections after their own.
        referenced: what the element of an ID says, white space collapsed.
    """

    text: str
    sections: tuple[Section, ...]
    referenced: dict[str, str]


def read_sections(root: Element, max_chars: int) -> Narrative:
    """Lay out a document.

    Args:
        root: the ClinicalDocument.
        max_chars: more characters raise ``DocumentTooLarge``.
    """
    layout = Layout(max_chars)
    for line in _header_lines(root):
        layout.line(line)
    sections: list[Section] = []
    referenced: dict[str, str] = {}
    for section in _sections(first(root, "component", "structuredBody")):
        layout.gap()
        start = layout.length
        title = plain(first(section, "title")) or (attribute(first(section, "code"), "displayName") or "")
        if title:
            layout.line(title)
        block = first(section, "text")
        if block is not None:
            layout.lines(narrative_lines(block))
            for element in block.iter():
                if (name := element.get("ID")) is not None:
                    referenced.setdefault(name, spoken(element))
        code = attribute(first(section, "code"), "code")
        sections.append(Section(code, tuple(children(section, "entry")), start, layout.length))
    return Narrative(layout.text(), tuple(sections), referenced)


def _sections(body: Element | None) -> Iterator[Element]:
    """All sections, each before those within it."""
    for component in children(body, "component"):
        for section in children(component, "section"):
            yield section
            yield from _sections(section)


def person_name(element: Element | None) -> str:
    """A person's name as one writes it: prefix, given names, family name, suffix; or the free text it is."""
    if element is None:
        return ""
    parts = {
        name: [plain(part) for part in children(element, name)] for name in ("prefix", "given", "family", "suffix")
    }
    return " ".join(text for texts in parts.values() for text in texts if text) or plain(element)


def patient_role(root: Element) -> Element | None:
    """The element that says who the patient is."""
    return first(root, "recordTarget", "patientRole")


def _header_lines(root: Element) -> Iterator[str]:
    """Title and patient, as a viewer shows them above the sections."""
    if title := plain(first(root, "title")):
        yield title
    patient = first(patient_role(root), "patient")
    if name := person_name(first(patient, "name")):
        yield f"Patient: {name}"
    born = attribute(first(patient, "birthTime"), "value")
    if born and len(born) >= 8 and born[:8].isdigit():
        yield f"Date of birth: {born[:4]}-{born[4:6]}-{born[6:8]}"
