"""Keys: what kind one is, told before anything is sent; rotation; and that no message ever holds one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import jwt
import pytest

from exora.errors import ConfigurationError
from exora.settings import read_settings
from exora.supabase.address import check_dsn, check_url, loopback
from exora.supabase.keys import KeyRing, check_key

URL = "https://abcdefghijklmnop.supabase.co"


IN_2100 = 4102444800


def legacy(role: str | None = "service_role", ref: str = "abcdefghijklmnop", expires: int = IN_2100) -> str:
    """A key of the old kind; the same at every call, since the names of tests are made of it."""
    claims = {"iss": "supabase", "ref": ref, "exp": expires}
    return jwt.encode(claims if role is None else claims | {"role": role}, "x" * 32, "HS256")


@pytest.mark.parametrize("key", ["sb_secret_abc123", legacy(), f"  {legacy()}\n"])
def test_service_keys_are_taken(key: str) -> None:
    assert check_key(key, URL).value == key.strip()


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "empty"),
        ("sb_publishable_abc123", "publishable"),
        (legacy("anon"), "role anon"),
        (legacy("authenticated"), "role authenticated"),
        (legacy(None), "no key of service_role"),
        (legacy(expires=1000000000), "expired on"),
        (legacy(ref="zyxwvutsrqponmlk"), "another project"),
        ("garbage", "neither"),
        ("a.b.c", "neither"),
        ('"sb_secret_abc123 "', "characters"),
    ],
)
def test_any_other_key_is_refused_with_the_reason_and_never_shown(key: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        check_key(key, URL)
    assert caught.value.field == "SUPABASE_SERVICE_ROLE_KEY"
    assert caught.value.remedy
    if key:
        assert key.strip('" ') not in caught.value.one_line()


def test_a_key_is_shown_by_nothing() -> None:
    key = check_key("sb_secret_canary", URL)
    settings = read_settings({"SUPABASE_URL": URL, "SUPABASE_SECRET_KEY": "sb_secret_canary"})
    assert settings.project is not None
    for shown in (repr(key), repr(settings), str(settings), repr(settings.project), repr(settings.project.keys)):
        assert "canary" not in shown


def test_a_secret_key_is_no_bearer_token_and_a_legacy_one_is() -> None:
    assert check_key("sb_secret_abc", URL).headers() == {"apikey": "sb_secret_abc"}
    old = legacy()
    assert check_key(old, URL).headers() == {"apikey": old, "Authorization": f"Bearer {old}"}


def test_the_end_of_a_legacy_key_is_known() -> None:
    assert check_key(legacy(), URL).expires_at == datetime(2100, 1, 1, tzinfo=UTC)
    with pytest.raises(ConfigurationError, match="expired on 2100-01-01"):
        check_key(legacy(), URL, now=datetime(2100, 1, 1, tzinfo=UTC))


def test_a_rotated_key_is_taken_up_and_a_bad_one_is_not() -> None:
    kept = {"key": "sb_secret_one"}
    ring = KeyRing(lambda: kept["key"], URL)
    assert not ring.reread()
    kept["key"] = "sb_secret_two"
    assert ring.reread()
    kept["key"] = "sb_publishable_three"
    with pytest.raises(ConfigurationError, match="publishable"):
        ring.reread()
    assert ring.current.value == "sb_secret_two"


def test_the_key_may_be_in_a_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("key") / "key"
    file.write_text("sb_secret_one\n")
    project = read_settings({"SUPABASE_URL": URL, "EXORA_SUPABASE_KEY_FILE": str(file)}).project
    assert project is not None
    file.write_text("sb_secret_two\n")
    assert project.keys.reread()
    assert project.keys.current.value == "sb_secret_two"
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"SUPABASE_URL": URL, "EXORA_SUPABASE_KEY_FILE": "/nowhere"})
    assert caught.value.field == "EXORA_SUPABASE_KEY_FILE"


@pytest.mark.parametrize(
    ("env", "field"),
    [
        ({"SUPABASE_URL": URL}, "SUPABASE_SERVICE_ROLE_KEY"),
        ({"SUPABASE_SERVICE_ROLE_KEY": "sb_secret_a"}, "SUPABASE_URL"),
        ({"SUPABASE_URL": "http://example.org", "SUPABASE_SECRET_KEY": "sb_secret_a"}, "SUPABASE_URL"),
        ({"SUPABASE_URL": "project", "SUPABASE_SECRET_KEY": "sb_secret_a"}, "SUPABASE_URL"),
        ({"DATABASE_URL": "postgresql://u:p@db.example.org/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://u:p@db.example.org/x?sslmode=require"}, "DATABASE_URL"),
        (
            {
                "APP_ENV": "production", "DATABASE_URL": "postgresql://u:p@db/x", "EXORA_INSECURE_DATABASE": "1",
                "EXORA_OCR": "tesseract", "EXORA_ANALYZER": "local",
            },
            "EXORA_INSECURE_DATABASE",
        ),
    ],
)  # fmt: skip
def test_half_a_configuration_or_an_open_way_is_refused_by_name(env: dict[str, str], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(env)
    assert caught.value.field == field
    assert caught.value.remedy


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql:///x?host=/run/postgresql",
        "postgresql://u:p@127.0.0.1/x",
        "postgresql://u:p@[::1]:5433/x",
        "postgresql://u:p@localhost/x",
        "postgresql://u:p@db.example.org/x?sslmode=verify-full&sslrootcert=ca.pem",
    ],
)
def test_this_machine_needs_no_proof_and_verify_full_gives_it(dsn: str) -> None:
    check_dsn(dsn)


@pytest.mark.parametrize("host", ["127.0.0.2", "::1", "localhost"])
def test_loopback(host: str) -> None:
    assert loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.example.org", "supabase.co", "127.0.0.1.example.org"])
def test_no_loopback(host: str) -> None:
    assert not loopback(host)


@pytest.mark.parametrize("url", ["http://127.0.0.1:54321/", "https://x.supabase.co"])
def test_addresses(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize("make", [lambda: "https://u:p@x.supabase.co", lambda: f"https://x.co/?apikey={legacy()}"])
def test_an_address_with_a_secret_in_it_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(ConfigurationError):
        check_url(make())
