"""Getting in without the right to: guessed tokens, stolen forms, forged and old sessions; and what is logged of it."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass

import httpx
import pytest

from exora.http.access import COOKIE, SESSION_S, Access

from .conftest import OPERATE, READ, SITE, Door


def logged(out: io.StringIO, event: str) -> list[str]:
    """The reasons (or scopes) of the lines of an event."""
    found = [json.loads(line) for line in out.getvalue().splitlines()]
    return [line.get("error_code") or line["status"] for line in found if line["event"] == event]


async def signed_in(client: httpx.AsyncClient, token: str, name: str = "alice") -> str:
    """Sign in; returns the token of the session's forms, if it gets any."""
    assert (await client.post("/dashboard/sign-in", data={"token": token, "name": name})).status_code == 303
    page = (await client.get("/dashboard/")).text
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    return found[1] if found else ""


@dataclass
class Clock:
    """Time as these tests have it pass."""

    now: float = 1_800_000_000.0

    def time(self) -> float:
        """Seconds since 1970."""
        return self.now

    monotonic = time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time of sessions and limits; it stands still."""
    standing = Clock()
    monkeypatch.setattr("exora.http.access.time", standing)
    return standing


async def test_a_thousand_guesses_open_nothing_and_are_slowed_down(door: Door, clock: Clock) -> None:
    looked_at = 0
    async with door.client() as client:
        for guess in range(400):
            answer = await client.post("/dashboard/sign-in", data={"token": f"{OPERATE[:-3]}{guess:03}"})
            assert answer.status_code in (403, 429)
            assert COOKIE not in answer.cookies
            looked_at += answer.status_code == 403
        assert looked_at == 10
        # In the flood the right token is not looked at either.
        assert (await client.post("/dashboard/sign-in", data={"token": READ})).status_code == 429
    for number in range(600):  # a botnet
        async with door.client(f"198.51.{number // 250}.{number % 250}") as client:
            answer = await client.post("/dashboard/sign-in", data={"token": "x" * 40})
            looked_at += answer.status_code == 403
    assert looked_at == 60
    clock.now += 60
    async with door.client() as client:
        assert (await client.post("/dashboard/sign-in", data={"token": READ})).status_code == 303


async def test_a_flood_of_guesses_does_not_shut_out_who_is_in(door: Door) -> None:
    async with door.client() as operator:
        await signed_in(operator, OPERATE)
        async with door.client("198.51.100.7") as stranger:
            for _ in range(80):
                await stranger.post("/dashboard/sign-in", data={"token": "x"})
        assert (await operator.get("/dashboard/jobs")).status_code == 200


async def test_guessed_bearer_tokens_are_slowed_down_and_logged(door: Door, lines: io.StringIO, clock: Clock) -> None:
    async with door.client() as client:
        for path in ("/metrics", "/ready"):
            answers = [
                (await client.get(path, headers={"Authorization": f"Bearer {READ}{guess}"})).status_code
                for guess in range(60)
            ]
            assert answers[-1] == 429
        assert logged(lines, "token_refused") == ["wrong_token"] * 30
        assert (await client.get("/metrics", headers={"Authorization": f"Bearer {READ}"})).status_code == 429
        assert (await client.get("/health")).status_code == 200
    async with door.client("192.0.2.2") as client:
        assert (await client.get("/metrics", headers={"Authorization": f"Bearer {READ}"})).status_code == 200
    assert READ not in lines.getvalue()


async def test_signing_in_and_being_refused_are_logged_without_token_or_name(door: Door, lines: io.StringIO) -> None:
    forged = 'mallory", "event": "signed_in"}\n{"event": "signed_in", "status": "operate"'
    async with door.client() as client:
        await client.post("/dashboard/sign-in", data={"token": "secret-guess\n" + "x" * 40, "name": forged})
        await client.post("/dashboard/sign-in", data={"token": OPERATE}, headers={"Origin": "https://evil.example"})
        await signed_in(client, OPERATE, forged)
        await signed_in(client, READ)
        for _ in range(9):
            await client.post("/dashboard/sign-in", data={"token": "x"})
    assert logged(lines, "signed_in") == ["operate", "read"]
    assert logged(lines, "sign_in_refused")[:2] == ["wrong_token", "foreign_origin"]
    assert logged(lines, "sign_in_refused")[-1] == "too_many"
    assert not any(word in lines.getvalue() for word in ("secret-guess", "mallory", "alice", OPERATE, READ))


async def test_a_forged_act_is_refused_and_logged(door: Door, lines: io.StringIO) -> None:
    act = {"verb": "pause", "lane": "report_generation"}
    async with door.client() as operator, door.client() as looker, door.client() as nobody, door.client() as other:
        csrf, theirs = await signed_in(operator, OPERATE), await signed_in(other, OPERATE)
        await signed_in(looker, READ)
        tries: list[tuple[httpx.AsyncClient, dict[str, str], dict[str, str], str]] = [
            (nobody, {"csrf": csrf}, {}, "no_session"),
            (looker, {"csrf": csrf}, {}, "only_looks"),
            (operator, {"csrf": csrf}, {"Origin": "https://evil.example"}, "foreign_origin"),
            (operator, {"csrf": csrf}, {"Origin": "null"}, "foreign_origin"),
            (operator, {"csrf": csrf}, {"Origin": "http://["}, "foreign_origin"),
            (operator, {"csrf": csrf}, {"Origin": SITE + ".evil.example"}, "foreign_origin"),
            (operator, {"csrf": csrf}, {"Sec-Fetch-Site": "same-site"}, "foreign_origin"),
            (operator, {}, {}, "foreign_form"),
            (operator, {"csrf": theirs}, {}, "foreign_form"),
            (operator, {"csrf": csrf[:-1]}, {}, "foreign_form"),
            (operator, {"csrf": csrf + "\u0000ü"}, {}, "foreign_form"),
        ]
        for client, token, headers, _ in tries:
            assert (await client.post("/dashboard/act/lane", data=act | token, headers=headers)).status_code == 403
        assert logged(lines, "act_refused") == [reason for *_, reason in tries]
        for method in ("GET", "PUT", "DELETE"):
            assert (await operator.request(method, "/dashboard/act/lane", params=act)).status_code == 405
        flood = {f"field{number}": "x" for number in range(40)}
        assert (await operator.post("/dashboard/act/lane", data=act | flood)).status_code == 413
        assert await door.paused() == set()
        assert (await operator.post("/dashboard/act/lane", data=act | {"csrf": csrf})).status_code == 303
        assert await door.paused() == {"report_generation"}


async def test_a_session_ends_with_its_time_and_with_its_token(door: Door, clock: Clock) -> None:
    async with door.client() as client:
        await signed_in(client, OPERATE)
        cookie = client.cookies[COOKIE]
        rotated = door.opened_by(Access(READ, OPERATE + "2"))
        async with door.client(app=rotated, cookies={COOKIE: cookie}) as elsewhere:
            assert (await elsewhere.get("/dashboard/jobs")).headers["location"] == "/dashboard/sign-in"
        assert (await client.get("/dashboard/jobs")).status_code == 200
        clock.now += SESSION_S + 1
        assert (await client.get("/dashboard/jobs")).headers["location"] == "/dashboard/sign-in"


@pytest.mark.parametrize(
    "forged", ["", ".", "....", "2.9999999999.00.61.", "2.1e9.00.61.x", "x" * 4000, "2.٣.0.61." + "0" * 64]
)
async def test_a_made_up_session_is_none(door: Door, forged: str) -> None:
    async with door.client() as client:
        headers = {"Cookie": f"{COOKIE}={forged}".encode()}
        answer = await client.get("/dashboard/jobs", headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/sign-in")
