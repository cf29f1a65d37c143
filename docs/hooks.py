"""Takes files of the project that pages link to into the site, and keeps what lies elsewhere out of it."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
#: What pages may link to outside of docs/; in the site it lies under files/.
LINKED = (
    "deploy/prometheus/alerts.yml",
    "deploy/grafana/exora.json",
    "render.yaml",
    "bench/README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
)
_ELSEWHERE = re.compile(
    r"<(?:script|link|img|iframe|source|object)\b[^>]*?\b(?:src|href|data)=[\"']?(?P<url>(?:https?:)?//[^\"'\s>]+)"
)
_LINK = re.compile(r"\]\((?P<to>\.\./[^)#\s]+)(?P<rest>[^)]*)\)")


def on_files(files: Files, config: Any) -> Files:
    """Add what is linked; Markdown as text, since its own links lead out of the site."""
    for path in LINKED:
        files.append(File.generated(config, _place(path), content=(ROOT / path).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links that leave docs/ to where their files lie in the site."""
    folder = posixpath.dirname(page.file.src_uri)

    def to_site(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, link["to"]))
        if path not in LINKED:
            return link[0]
        return f"]({posixpath.relpath(_place(path), folder or '.')}{link['rest']})"

    return _LINK.sub(to_site, markdown)


def on_post_page(output: str, page: Any, config: Any) -> str:
    """A reader's browser asks nobody else for anything.

    Raises:
        PluginError: this page would.
    """
    found = _ELSEWHERE.search(output)
    if found is not None:
        raise PluginError(f"{page.file.src_uri} loads {found['url']} from elsewhere")
    return output


def _place(path: str) -> str:
    return "files/" + re.sub(r"\.md$", ".txt", path)
