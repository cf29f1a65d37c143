"""exora capacity and exora test apis, as a user runs them."""

from __future__ import annotations

from exora.testing.providers.openai import OpenAIServer
from exora.testing.providers.scripted import FAULTS

from .cli import exora

API = ("openai", "gpt-4o-mini")


async def test_limits_are_set_and_apis_closed_and_opened(embedded_dsn: str) -> None:
    async def run(*arguments: str) -> object:
        ran = await exora("capacity", *arguments, "--json", DATABASE_URL=embedded_dsn)
        assert ran.code == 0, ran.err
        return ran.json

    limits = ("--rpm", "7", "--tpm", "none", "--cost-per-day", "2.5", "--threshold", "0.9", "--defer-seconds", "5")
    changed = await run("set", *API, *limits)
    assert isinstance(changed, dict)
    assert (changed["backpressure_threshold"], changed["backpressure_delay_seconds"]) == (0.9, 5)
    await run("close", *API, "--why", "outage 42", "--by", "alice")
    shown = await run("show")
    assert isinstance(shown, list)
    [api] = [api for api in shown if (api["provider"], api["endpoint"]) == API]
    assert (api["state"], api["reason"]) == ("closed", "operator")
    assert (api["closed_by"], api["closed_why"]) == ("alice", "outage-42")
    assert (api["requests_per_minute"], api["tokens_per_minute"], api["cost_per_day_usd"]) == (7, None, 2.5)
    assert await run("open", *API) == {
        "provider": "openai",
        "endpoint": "gpt-4o-mini",
        "state": "open",
        "changed": True,
    }


async def test_what_cannot_be_done_says_why(embedded_dsn: str) -> None:
    unknown = await exora("capacity", "close", "openai", "gpt-9", DATABASE_URL=embedded_dsn)
    assert (unknown.code, "exora capacity show" in unknown.err) == (3, True)
    wrong = await exora("capacity", "set", *API, "--rpm", "many", DATABASE_URL=embedded_dsn)
    assert (wrong.code, "--rpm" in wrong.err) == (2, True)


async def test_a_refused_key_is_found_out_and_not_shown(embedded_dsn: str) -> None:
    server = OpenAIServer()
    server.storm = FAULTS["401"]
    async with server.serve() as url:
        ran = await exora(
            "test", "apis", "--json", DATABASE_URL=embedded_dsn, OPENAI_API_KEY="test-key", OPENAI_BASE_URL=url
        )
    assert ran.code == 1
    [failed] = [check for check in ran.json["checks"] if check["status"] == "failed"]
    assert (failed["name"], "Set a valid key" in failed["remedy"]) == ("openai", True)
    assert "test-key" not in ran.out + ran.err
