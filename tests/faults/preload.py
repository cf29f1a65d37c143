"""Compiles the small libraries that stand between a program and the system."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path


@lru_cache
def compiled(name: str) -> Path:
    """Compile ``NAME.c`` beside this file into a library for LD_PRELOAD that every account can read."""
    folder = Path(tempfile.gettempdir()) / f"exora-preload-{os.getuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    library = folder / f"{name}-{os.getpid()}.so"
    source = Path(__file__).with_name(f"{name}.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    library.chmod(0o755)
    return library
