"""DEBUG means what it means in Node: our matcher and the real npm package on one table."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

from exora.observe.debug import debug_enabled

SETTINGS = [
    "", "*", "db:*", "db:calls", "supabase:*", "supabase:*,-supabase:auth", "supabase:* -supabase:auth", "-db:*",
    "*,-db:*", "-db:calls,*", "db", "db:", "*:calls", "d*s",
    " db:calls  ,queue:* ", "DB:*", "supabase:*,,",
    "db.*", "supabase", "*:*", "a:*,-a:b", "-*", "**",
]  # fmt: skip
NAMESPACES = ["db:calls", "db", "supabase:client", "supabase:auth", "supabase", "queue:claim", "a:b", "a:c", "db.x"]


def test_our_matcher_says_what_the_real_package_says() -> None:
    cases = list(itertools.product(SETTINGS, NAMESPACES))
    ran = subprocess.run(
        ["node", "debug.mjs"],
        cwd=Path(__file__).parent,
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = dict(zip(cases, json.loads(ran.stdout), strict=True))
    ours = {case: debug_enabled(*case) for case in cases}
    assert {case: theirs[case] for case in cases if ours[case] != theirs[case]} == {}
