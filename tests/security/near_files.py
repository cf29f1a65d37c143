"""Files that are still of their format, and hold what their writers never put in."""

from __future__ import annotations

import copy
import io
import re
import zipfile
from collections.abc import Callable
from xml.etree import ElementTree

from hypothesis import strategies as st

_Changes = list[tuple[int, str, str, int]]
_ODD_WORDS = (
    "",
    "\u202e",
    "9" * 60,
    "1/" * 60,
    "(" * 200,
    "-1",
    "1e999",
    "\u0664.1",
    "²",
    "31 February 2019",
    "00/00/0000",
    "a" * 5000,
    "<3",
    "\U0001f600",
    "\u0300",
    "500 mg",
    "===",
    "Allergies:",
    "no known",
)
_ODD_XML = ("", "0", "-1", "9" * 60, "²", "NaN", "\u202e", "a" * 5000, "2019-99-99", "20190231", "&<>", "en", "1 000,5")
_ODD_FIGURES = (b"0", b"-1", b"9" * 11, b"2147483648", b"1e9", b"1e-9", b"1 0 R", b"[ ]", b"<< >>", b"null", b"(x")
_XML_HOWS = ("gone", "again", "within itself", "moved", "text", "attribute", "attribute gone", "renamed")


def texts(text: str) -> st.SearchStrategy[str]:
    """A text some words of which are others, gone, joined or there many times."""
    places = st.integers(0, len(text.split()))
    hows = st.sampled_from(["other", "gone", "again", "joined"])

    def made(changes: _Changes) -> str:
        words = re.split(r"(\s+)", text)
        for place, how, odd, other in changes:
            at = min(2 * place, len(words) - 1)
            match how:
                case "other":
                    words[at] = odd
                case "gone":
                    words[at] = ""
                case "again":
                    words[at] = " ".join([words[at]] * (2 + other))
                case _:
                    words[at] += words[min(2 * other, len(words) - 1)]
        return "".join(words)

    return st.lists(st.tuples(places, hows, st.sampled_from(_ODD_WORDS), places), max_size=3).map(made)


def _xml_changes() -> st.SearchStrategy[_Changes]:
    change = st.tuples(
        st.integers(0, 5000), st.sampled_from(_XML_HOWS), st.sampled_from(_ODD_XML), st.integers(0, 5000)
    )
    return st.lists(change, min_size=1, max_size=2)


def _grown(content: bytes, changes: _Changes) -> bytes:
    """An XML some elements of which are gone, moved, there again, or hold something else."""
    root = ElementTree.fromstring(content)
    for where, how, odd, other in changes:
        elements = list(root.iter())
        parents = {child: parent for parent in elements for child in parent}
        element, second = elements[where % len(elements)], elements[other % len(elements)]
        names = sorted(element.attrib)
        match how:
            case "gone" if element in parents:
                parents[element].remove(element)
            case "again" if element in parents:
                parents[element].extend([copy.deepcopy(element) for _ in range(1 + other % 20)])
            case "within itself":
                element.append(copy.deepcopy(element))
            case "moved":
                second.append(copy.deepcopy(element))
            case "attribute" if names:
                element.set(names[other % len(names)], odd)
            case "attribute gone" if names:
                del element.attrib[names[other % len(names)]]
            case "renamed":
                element.tag = second.tag
            case _:
                element.text = odd
    grown: bytes = ElementTree.tostring(root, encoding="utf-8")
    return grown[:1_000_000]


def xml(content: bytes) -> st.SearchStrategy[bytes]:
    """An XML that is still one."""
    return st.builds(_grown, st.just(content), _xml_changes())


def repacked(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A Word file one part of which is changed inside: a changed archive alone hardly ever opens."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part_name in old.namelist():
            inner = old.read(part_name)
            new.writestr(zipfile.ZipInfo(part_name), change(inner) if part_name == name else inner)
    return file.getvalue()


def word(content: bytes) -> st.SearchStrategy[bytes]:
    """A Word file one part of which is another XML."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        names = [name for name in package.namelist() if name.endswith(".xml")]
    chosen = st.sampled_from(["word/document.xml"] * 3 + names)
    return st.builds(
        lambda name, done: repacked(content, name, lambda part: _grown(part, done)), chosen, _xml_changes()
    )


def _refigured(content: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    for where, odd in changes:
        found = list(re.finditer(rb"(?<![\w.])-?\d+(?:\.\d+)?", content))
        at = found[where % len(found)]
        content = content[: at.start()] + odd[: len(at[0])].rjust(len(at[0])) + content[at.end() :]
    return content


def pdf(content: bytes) -> st.SearchStrategy[bytes]:
    """A PDF some numbers of which are others of the same length, so that its objects are still found."""
    figure = st.tuples(st.integers(0, 10_000), st.sampled_from(_ODD_FIGURES))
    return st.builds(_refigured, st.just(content), st.lists(figure, min_size=1, max_size=3))


def picture(content: bytes) -> st.SearchStrategy[bytes]:
    """A picture one bit of which, behind its header, is another."""

    def made(share: float, bit: int) -> bytes:
        at = min(len(content) // 4 + int(share * len(content) * 3 / 4), len(content) - 1)
        return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]

    return st.builds(made, st.floats(0, 1), st.integers(0, 7))
