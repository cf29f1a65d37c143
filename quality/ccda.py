"""Reads C-CDA documents and single sections: the narrative as blocks, the coded entries as truth."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: Root of the identifiers of C-CDA templates.
_TEMPLATE = "2.16.840.1.113883.10.20.22.4."
ALLERGY, PROBLEM, RESULT, VITAL, IMMUNIZATION = (_TEMPLATE + n for n in ("7", "4", "2", "27", "52"))
ICD_10_CM = "2.16.840.1.113883.6.90"
_BRAND = re.compile(r"\[([A-Za-z][\w -]+)\]")
_ROW_GROUPS = frozenset({"table", "thead", "tbody", "tfoot"})
_ROOT_TAG = re.compile(r"<(?![?!])([\w:.-]+)([^>]*)>", re.S)


@dataclass(frozen=True)
class Truth:
    """A coded entry: every name it goes by, and its value, unit and ICD-10-CM codes where it has them."""

    names: frozenset[str]
    value: str = ""
    unit: str = ""
    codes: frozenset[str] = frozenset()


#: A block of narrative: a paragraph, or the rows of a table; a row is a list of cells.
Block = str | list[list[str]]


@dataclass
class Section:
    """A section that has entries: its title, narrative and truth by list of the record."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    truth: dict[str, list[Truth]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All words of the narrative."""
        return " ".join(b if isinstance(b, str) else " ".join(" ".join(row) for row in b) for b in self.blocks)


def read_sections(path: Path) -> list[Section]:
    """The sections of a file that have a narrative and entries; none if it is not well-formed."""
    root = parse(path)
    if root is None:
        return []
    found = [root] if root.tag == "section" else list(root.iter("section"))
    return [section for element in found if (section := _section(element)) is not None]


def parse(path: Path) -> ET.Element | None:
    """The file's root with namespaces taken off; prefixes the file forgot to declare are declared."""
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", path.read_text(encoding="utf-8-sig", errors="replace"))
    root = next(
        (m for m in _ROOT_TAG.finditer(re.sub(r"<!--.*?-->", lambda m: " " * len(m.group()), source, flags=re.S))), None
    )
    if root is None:
        return None
    used = set(re.findall(r"[\s</]([A-Za-z][\w.-]*):[\w.-]+", source)) - {"xml", "xmlns"}
    missing = [prefix for prefix in sorted(used) if f"xmlns:{prefix}=" not in root.group()]
    at = root.end() - (2 if root.group().endswith("/>") else 1)
    declared = "".join(f' xmlns:{prefix}="urn:{prefix}"' for prefix in missing)
    try:
        element = ET.fromstring(source[:at] + declared + source[at:])  # noqa: S314 - data sets chosen by who measures
    except ET.ParseError:
        return None
    for node in element.iter():
        node.tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
    return element


def _section(element: ET.Element) -> Section | None:
    text, entries = element.find("text"), element.findall("entry")
    if text is None or not entries:
        return None
    section = Section(_words(element.find("title")) or "")
    section.blocks = [block for block in _blocks(text) if block]
    if not section.text.strip():
        return None
    by_id = {node.get("ID"): _words(node) for node in text.iter() if node.get("ID")}
    for entry in entries:
        for list_name, truth in _truths(entry, by_id):
            if any(name for name in truth.names):
                printed = _with_row_names(truth, section.blocks) if truth.value else truth
                section.truth.setdefault(list_name, []).append(printed)
    return section


def number(text: str) -> str:
    """A number as written, without commas and trailing zeros; anything else as it is."""
    try:
        return f"{float(text.strip().rstrip('.,').replace(',', '')):g}"
    except ValueError:
        return text.strip()


def _with_row_names(truth: Truth, blocks: list[Block]) -> Truth:
    """The entry with the other cells of the table rows that hold its value as names: the narrative may call a
    test otherwise than its code does."""
    names = set(truth.names)
    for block in blocks:
        for row in block if isinstance(block, list) else ():
            holds = [number((cell.split() or [""])[0]) == number(truth.value) for cell in row]
            if any(holds):
                names.update(cell for cell in row if any(map(str.isalpha, cell)) and not cell[0].isdigit())
                names.update(head for head, held in zip(block[0], holds, strict=False) if held and head)
    return Truth(frozenset(names), truth.value, truth.unit, truth.codes)


def _words(element: ET.Element | None) -> str:
    return " ".join(" ".join(element.itertext()).split()) if element is not None else ""


def _blocks(text: ET.Element) -> Iterator[Block]:
    """The narrative's blocks in order; lists give one paragraph per item."""
    if text.text and text.text.strip():
        yield " ".join(text.text.split())
    for child in text:
        match child.tag:
            case "table":
                rows = [row for part in (child, *child) if part.tag in _ROW_GROUPS for row in part.findall("tr")]
                yield _grid(rows)
            case "list" | "content" | "paragraph" | "item" if child.find(".//table") is not None or child.tag == "list":
                yield from _blocks(child)
            case "caption":
                pass
            case _:
                yield ("• " if child.tag == "item" else "") + _words(child)
        if child.tail and child.tail.strip():
            yield " ".join(child.tail.split())


def _grid(rows: list[ET.Element]) -> list[list[str]]:
    """The words of a table's cells; a cell that spans rows leaves those below it empty."""
    grid: list[list[str]] = []
    held: dict[int, int] = {}
    for row in rows:
        cells = [cell for cell in row if cell.tag in {"th", "td"}]
        line: list[str] = []
        while cells or held.get(len(line), 0) > 0:
            if held.get(len(line), 0) > 0:
                held[len(line)] -= 1
                line.append("")
                continue
            cell = cells.pop(0)
            span = cell.get("rowspan") or "1"
            held[len(line)] = int(span) - 1 if span.isdigit() else 0
            line.append(_words(cell))
        grid.append(line)
    return grid


def _truths(entry: ET.Element, by_id: dict[str | None, str]) -> Iterator[tuple[str, Truth]]:
    for node in entry.iter():
        if node.get("negationInd") == "true":
            continue
        templates = {child.get("root") for child in node.findall("templateId")}
        if node.tag == "substanceAdministration":
            material = node.find(".//manufacturedMaterial")
            if material is not None:
                names = _names(material.find("code"), by_id) | {_words(material.find("name"))} - {""}
                names |= {brand for name in names for brand in _BRAND.findall(name)}
                yield ("immunizations" if IMMUNIZATION in templates else "medications"), Truth(frozenset(names))
        elif node.tag == "observation" and ALLERGY in templates:
            entity = node.find("./participant/participantRole/playingEntity")
            if entity is not None:
                names = _names(entity.find("code"), by_id) | {_words(entity.find("name"))} - {""}
                yield "allergies", Truth(frozenset(names))
        elif node.tag == "observation" and PROBLEM in templates:
            value = node.find("value")
            if value is not None:
                yield "conditions", Truth(frozenset(_names(value, by_id)), codes=_icd_codes(value))
        elif node.tag == "observation" and templates & {RESULT, VITAL}:
            value = node.find("value")
            if value is not None and value.get("value"):
                names = _names(node.find("code"), by_id)
                truth = Truth(frozenset(names), value.get("value") or "", value.get("unit") or "")
                yield ("results" if RESULT in templates else "vitals"), truth


def _names(code: ET.Element | None, by_id: dict[str | None, str]) -> set[str]:
    """Display names of a code and its translations, and the original text, followed into the narrative."""
    if code is None:
        return set()
    names = {(node.get("displayName") or "").strip() for node in [code, *code.findall("translation")]}
    original = code.find("originalText")
    if original is not None:
        names.add(_words(original))
        reference = original.find("reference")
        if reference is not None:
            names.add(by_id.get((reference.get("value") or "").lstrip("#"), ""))
    return names - {""}


def _icd_codes(value: ET.Element) -> frozenset[str]:
    nodes = [value, *value.findall("translation")]
    return frozenset(node.get("code") or "" for node in nodes if node.get("codeSystem") == ICD_10_CM) - {""}
