"""Looks for secrets in the files of the repository, by the forms that detect-secrets knows and two more."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.stripe import StripeDetector

from quality.supply.lock import ROOT

_KNOWN = Path(__file__).with_name("secrets-known.txt")


class OwnKeys(RegexBasedDetector):
    """Keys of what Exora uses: service keys of Supabase, API keys of Google."""

    secret_type = "Supabase or Google Key"  # noqa: S105  the name of a kind
    denylist = (re.compile(r"sb_secret_[A-Za-z0-9_-]{20,}"), re.compile(r"AIza[0-9A-Za-z_-]{35}"))


#: Kinds that are recognized by their form. Those that go by entropy or by a word like "password" find hundreds of
#: hashes and test values here and nothing else.
_KINDS = tuple(
    kind()
    for kind in (
        AWSKeyDetector, AzureStorageKeyDetector, BasicAuthDetector, DiscordBotTokenDetector, GitHubTokenDetector,
        GitLabTokenDetector, JwtTokenDetector, NpmDetector, OpenAIDetector, PrivateKeyDetector, PypiTokenDetector,
        SendGridDetector, SlackDetector, StripeDetector, OwnKeys,
    )
)  # fmt: skip


class Secret(NamedTuple):
    """A place that looks like a secret; ``digest`` stands for it, so that the secret itself is printed nowhere."""

    file: str
    line: int
    kind: str
    digest: str


def tracked() -> list[str]:
    """The files of the repository."""
    ran = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [name for name in ran.stdout.decode().split("\0") if name]


def scan(files: Iterable[str], root: Path = ROOT) -> list[Secret]:
    """What looks like a secret, known or not. Binary files are read as what text is in them."""
    found = set()
    for file in files:
        text = (root / file).read_bytes().decode("utf-8", "replace") if (root / file).is_file() else ""
        for kind in _KINDS:
            for secret in set(kind.analyze_string(text)):
                digest = hashlib.sha256(secret.encode()).hexdigest()[:16]
                lines = (n for n, line in enumerate(text.split("\n"), 1) if secret in kind.analyze_string(line))
                found.add(Secret(file, next(lines, 0), kind.secret_type, digest))
    return sorted(found)


def known() -> set[tuple[str, str]]:
    """Files and digests that people have looked at and that are no secrets; file * stands for every file."""
    lines = [line.split() for line in _KNOWN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {(file, digest) for digest, file, *_ in lines}


def findings(secrets: Sequence[Secret]) -> list[Secret]:
    """Those that are not known."""
    looked_at = known()
    return [one for one in secrets if not looked_at & {(one.file, one.digest), ("*", one.digest)}]
