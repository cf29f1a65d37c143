"""The environment: names, defaults, and what is refused."""

from __future__ import annotations

import pytest

from exora.errors import ConfigurationError
from exora.settings import read_settings


def test_nothing_set_is_the_embedded_default() -> None:
    settings = read_settings({})
    assert (settings.database_url, settings.worker_concurrency, settings.http_port) == (None, 50, 10000)
    assert (settings.app_env, settings.drain_s, settings.log_level) == ("development", 25.0, "info")


def test_app_env_goes_before_node_env() -> None:
    assert read_settings({"NODE_ENV": "test"}).app_env == "test"
    assert read_settings({"NODE_ENV": "production", "APP_ENV": "test"}).app_env == "test"


def test_production_is_not_half_a_production() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"NODE_ENV": "development", "APP_ENV": "production"})
    assert caught.value.field == "NODE_ENV"


def test_port_goes_before_health_check_port() -> None:
    assert read_settings({"HEALTH_CHECK_PORT": "8080"}).http_port == 8080
    assert read_settings({"HEALTH_CHECK_PORT": "8080", "PORT": "9090"}).http_port == 9090


def test_the_worker_id_is_a_prefix_from_either_variable() -> None:
    assert read_settings({"RENDER_SERVICE_NAME": "exora-v3-worker"}).worker_id == "exora-v3-worker"
    assert read_settings({"WORKER_ID": "a", "RENDER_SERVICE_NAME": "b"}).worker_id == "a"


def test_the_database_url_is_not_shown() -> None:
    settings = read_settings({"DATABASE_URL": "postgresql://u:hunter2@db/x?sslmode=verify-full"})
    assert settings.database_url == "postgresql://u:hunter2@db/x?sslmode=verify-full"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKER_CONCURRENCY", "0"),
        ("WORKER_CONCURRENCY", "-1"),
        ("WORKER_CONCURRENCY", "5.5"),
        ("PORT", "70000"),
        ("EXORA_DRAIN_SECONDS", "soon"),
        ("LOG_LEVEL", "loud"),
        ("APP_ENV", "prod"),
        ("WORKER_ID", "a b"),
        ("EXORA_COMMIT", "main"),
        ("DATABASE_URL", "mysql://x"),
    ],
)
def test_a_malformed_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({name: value})
    assert caught.value.field == name
    assert name in caught.value.message


@pytest.mark.parametrize("app_env", ["staging", "production"])
def test_where_it_counts_nothing_is_defaulted(app_env: str) -> None:
    complete = {
        "APP_ENV": app_env,
        "DATABASE_URL": "postgresql://u:p@db/x?sslmode=verify-full",
        "EXORA_OCR": "tesseract",
        "EXORA_ANALYZER": "local",
    }  # fmt: skip
    assert read_settings(complete).production_like
    for missing in ("DATABASE_URL", "EXORA_OCR", "EXORA_ANALYZER"):
        with pytest.raises(ConfigurationError) as caught:
            read_settings({name: value for name, value in complete.items() if name != missing})
        assert caught.value.field == missing


def test_a_key_chooses_the_remote_engine_and_is_not_shown() -> None:
    settings = read_settings({"OPENAI_API_KEY": "sk-hunter2", "GOOGLE_CLOUD_API_KEY": "AIza-hunter2"})
    assert settings.openai is not None
    assert settings.vision is not None
    assert (settings.openai.key, settings.openai.model) == ("sk-hunter2", "gpt-4o-mini")
    assert "hunter2" not in repr(settings)
    by_name = {"OPENAI_API_KEY": "k", "EXORA_ANALYZER": "local", "GOOGLE_CLOUD_API_KEY": "k", "EXORA_OCR": "tesseract"}
    settings = read_settings(by_name)
    assert (settings.openai, settings.vision) == (None, None)


@pytest.mark.parametrize(
    ("choice", "key"), [("EXORA_OCR=vision", "GOOGLE_CLOUD_API_KEY"), ("EXORA_ANALYZER=openai", "OPENAI_API_KEY")]
)
def test_a_remote_engine_without_its_key_is_an_error(choice: str, key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(dict([choice.split("=")]))
    assert caught.value.field == key


def test_documents_go_to_other_machines_over_tls_only() -> None:
    settings = read_settings({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"})
    assert settings.openai is not None
    assert settings.openai.base_url == "http://127.0.0.1:11434/v1"
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://ollama.example/v1"})
    assert caught.value.field == "OPENAI_BASE_URL"
