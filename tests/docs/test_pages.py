"""Every block of code on every page does what the page says, in the order of the page."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from .pages import PAGES, PROSE, ROOT, Block, blocks, name
from .session import Session
from .zygote import write_shim

pytestmark = pytest.mark.xdist_group("docs")

#: Titles of blocks that are for a place that tests cannot go to, why, and how many there are: none may come unnoticed.
ELSEWHERE = {
    "in a fresh clone": "targets of make: .ci/run runs them, or a test runs what they run",
    "with the data sets": "they are not part of the project",
    "with your account": "needs an account with a provider; the same runs against stand-ins on its page",
    "on Supabase": "needs a project; the same runs against `exora dev` on its page",
    "in production": "needs two environments; tests/deploy/test_promote.py has them",
}
UNEXECUTED = {
    "in a fresh clone": 5,
    "with the data sets": 2,
    "with your account": 3,
    "on Supabase": 4,
    "in production": 2,
}


def _executed(page: Path) -> list[Block]:
    return [one for one in blocks(page) if one.language not in PROSE and one.title not in ELSEWHERE]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an `exora` that starts fast."""
    folder = tmp_path_factory.mktemp("bin")
    address = str(folder / "zygote")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.docs.zygote", address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as zygote:
        assert zygote.stdout is not None
        assert zygote.stdin is not None
        assert zygote.stdout.readline() == "ready\n"
        write_shim(folder, address)
        yield folder
        zygote.stdin.close()


@pytest.mark.parametrize("page", [page for page in PAGES if _executed(page)], ids=name)
async def test_a_page_works_as_it_says(page: Path, shim: Path, embedded_dsn: str, tmp_path: Path) -> None:
    async with Session(tmp_path, shim, embedded_dsn) as session:
        for block in _executed(page):
            await session.run(block)


def test_what_is_not_executed_is_known() -> None:
    unexecuted = Counter(one.title for page in PAGES for one in blocks(page) if one.title in ELSEWHERE)
    executed = Counter(one.language for page in PAGES for one in _executed(page))
    print(
        f"\nblocks executed: {executed.total()} "
        f"({', '.join(f'{count} {language}' for language, count in executed.most_common())})"
    )
    print(f"blocks not executed: {unexecuted.total()}")
    for title, count in unexecuted.items():
        print(f"  {count} {title}: {ELSEWHERE[str(title)]}")
    assert unexecuted == UNEXECUTED, "count a block that cannot run here, and say in ELSEWHERE why it cannot"
