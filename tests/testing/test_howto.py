"""The examples of docs/howto/test-your-handlers.md run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "test-your-handlers.md"


@pytest.mark.xdist_group("processes")
def test_the_page_is_a_test_suite(pytester: pytest.Pytester) -> None:
    page = PAGE.read_text(encoding="utf-8")
    conftest, first, second = re.findall(r'```python title="\w+.py"\n(.*?)```', page, re.DOTALL)
    pytester.makeconftest(conftest)
    pytester.makeini("[pytest]\nasyncio_mode = auto\n")
    pytester.makepyfile(test_handlers=first, test_faults=second)
    pytester.mkpydir("my_app").joinpath("handlers.py").write_text(first.split("async def test")[0])
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)
