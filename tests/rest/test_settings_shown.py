"""exora settings: what is in force and where from; no secret; and a word about names that nothing reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exora.variables import VARIABLES, warnings_of
from tests.acceptance.cli import exora_in

ROOT = Path(__file__).parents[2]


async def test_what_is_in_force_and_where_it_comes_from() -> None:
    secrets = {
        "SUPABASE_SECRET_KEY": "sb_secret_canary",
        "EXORA_AUDIT_KEY": "audit-canary",
        "EXORA_READ_TOKEN": "read-canary" * 4,
        "DATABASE_URL": "postgresql://me:password-canary@127.0.0.1/records",
    }
    project = {"SUPABASE_URL": "https://abcdefghijklmnop.supabase.co"}
    plain = {"RENDER_SERVICE_NAME": "exora-v3-worker", "EXORA_ORC": "tesseract", "WORKER_CONCURRENCY": "7"}
    ran = await exora_in(secrets | project | plain, "settings", "--json")
    assert ran.code == 0, ran.err
    shown = {item["name"]: (item["value"], item["source"]) for item in ran.json["settings"]}
    assert shown["WORKER_CONCURRENCY"] == ("7", "WORKER_CONCURRENCY")
    assert shown["WORKER_ID"] == ("exora-v3-worker", "RENDER_SERVICE_NAME")
    assert shown["EXORA_DRAIN_SECONDS"] == ("25", "default")
    assert shown["SUPABASE_URL"] == ("https://abcdefghijklmnop.supabase.co", "SUPABASE_URL")
    assert shown["EXORA_SUPABASE_KEY_FILE"] == ("(set; not shown)", "SUPABASE_SECRET_KEY")
    assert shown["DATABASE_URL"][0] == "postgresql://127.0.0.1/records (set; not shown)"
    assert "canary" not in ran.out + ran.err
    assert ran.json["warnings"] == ["EXORA_ORC is set, but nothing reads it; did you mean EXORA_OCR?"]
    assert "did you mean EXORA_OCR?" in ran.err
    table = await exora_in(secrets | project, "settings")
    assert "canary" not in table.out
    assert "sb_secret" not in table.out


def test_a_name_like_no_other_is_named_all_the_same() -> None:
    assert warnings_of({"EXORA_QQQQ": "1", "OTHER": "1", "EXORA_OCR": ""}) == [
        "EXORA_QQQQ is set, but nothing reads it; see: exora settings"
    ]


@pytest.mark.parametrize(("value", "warned"), [("production", False), ("", False), ("development", True)])
def test_a_node_env_other_than_the_guides_is_warned_of(value: str, warned: bool) -> None:
    assert bool(warnings_of({"NODE_ENV": value})) is warned


def test_every_variable_that_is_read_is_shown() -> None:
    read = set(re.findall(r'"([A-Z]{2,}[A-Z_]*)"', (ROOT / "src/exora/settings.py").read_text(encoding="utf-8")))
    assert {name for variable in VARIABLES for name in variable.names} == read, "see exora.variables.VARIABLES"
