"""Every environment variable Exora reads, in one place; nothing else reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from exora.errors import ConfigurationError

_LEVELS = ("trace", "debug", "info", "warning", "warn", "error")
_ENVIRONMENTS = ("development", "test", "staging", "production")
_OCR_ENGINES = ("tesseract",)
_ANALYZERS = ("local",)
#: A token that opens a page to the world must not be guessable.
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says.

    Attributes:
        app_env: APP_ENV, else NODE_ENV: development, test, staging or production; a label and a gate.
        database_url: DATABASE_URL; None = the embedded PostgreSQL. Never shown: it holds a password.
        data_dir: EXORA_DATA_DIR: where the embedded PostgreSQL keeps its data.
        worker_concurrency: WORKER_CONCURRENCY: slots.
        worker_id: WORKER_ID: a prefix; every process adds a nonce of its own.
        drain_s: EXORA_DRAIN_SECONDS: how long running jobs may finish after SIGTERM.
        http_port: PORT, else HEALTH_CHECK_PORT.
        log_level: LOG_LEVEL.
        audit_key: EXORA_AUDIT_KEY: signs and checks the anchors of the audit trail. Never shown.
        read_token: EXORA_READ_TOKEN: opens /metrics, the details of /ready, and the dashboard for looking. Never shown.
        operate_token: EXORA_OPERATE_TOKEN: opens the dashboard for acting as well. Never shown.
        ocr, analyzer: EXORA_OCR and EXORA_ANALYZER, the engines by name; None = chosen.
    """

    app_env: str = "development"
    database_url: str | None = field(default=None, repr=False)
    data_dir: Path | None = None
    worker_concurrency: int = 50
    worker_id: str | None = None
    drain_s: float = 25.0
    http_port: int = 10000
    log_level: str = "info"
    audit_key: str | None = field(default=None, repr=False)
    read_token: str | None = field(default=None, repr=False)
    operate_token: str | None = field(default=None, repr=False)
    ocr: str | None = None
    analyzer: str | None = None

    @property
    def production_like(self) -> bool:
        """Staging and production: what is missing is an error, never a silent default."""
        return self.app_env in ("staging", "production")


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment.

    Args:
        environ: the variables; None = the process's own.

    Raises:
        ConfigurationError: a value is malformed, or something is missing in staging or production.
    """
    env = os.environ if environ is None else environ
    settings = Settings(
        app_env=_choice(env, "APP_ENV", _ENVIRONMENTS) or _choice(env, "NODE_ENV", _ENVIRONMENTS) or "development",
        database_url=_database_url(env),
        data_dir=Path(env["EXORA_DATA_DIR"]) if env.get("EXORA_DATA_DIR") else None,
        worker_concurrency=_integer(env, "WORKER_CONCURRENCY", 50, 1, 1000),
        worker_id=_worker_id(env),
        drain_s=float(_integer(env, "EXORA_DRAIN_SECONDS", 25, 0, 3600)),
        http_port=_integer(env, "PORT" if env.get("PORT") else "HEALTH_CHECK_PORT", 10000, 0, 65535),
        log_level=(_choice(env, "LOG_LEVEL", _LEVELS) or "info"),
        audit_key=env.get("EXORA_AUDIT_KEY") or None,
        read_token=_token(env, "EXORA_READ_TOKEN"),
        operate_token=_token(env, "EXORA_OPERATE_TOKEN"),
        ocr=_choice(env, "EXORA_OCR", _OCR_ENGINES),
        analyzer=_choice(env, "EXORA_ANALYZER", _ANALYZERS),
    )
    _check_engines(env, settings)
    if settings.production_like and settings.database_url is None:
        raise ConfigurationError(
            f"APP_ENV is {settings.app_env} but DATABASE_URL is not set",
            field="DATABASE_URL",
            remedy="Set DATABASE_URL; the embedded database is for development only",
        )
    return settings


def _check_engines(env: Mapping[str, str], settings: Settings) -> None:
    """Quality never drops silently: a key for a remote engine means somebody expects that engine."""
    for key, name, engine in (
        ("GOOGLE_CLOUD_API_KEY", "EXORA_OCR", settings.ocr),
        ("OPENAI_API_KEY", "EXORA_ANALYZER", settings.analyzer),
    ):
        local = "tesseract" if name == "EXORA_OCR" else "local"
        if engine is None and env.get(key):
            raise ConfigurationError(
                f"{key} is set, but this version has only the local engine",
                field=name,
                remedy=f"Ask for it by name: {name}={local}",
            )
        if engine is None and settings.production_like:
            raise ConfigurationError(
                f"APP_ENV is {settings.app_env} and {key} is not set",
                field=name,
                remedy=f"Ask for the local engine by name: {name}={local}",
            )


def _database_url(env: Mapping[str, str]) -> str | None:
    url = env.get("DATABASE_URL") or None
    if url is None:
        return None
    if urlsplit(url).scheme not in ("postgres", "postgresql"):
        raise ConfigurationError(
            "DATABASE_URL is not a PostgreSQL URL",
            field="DATABASE_URL",
            remedy="Use postgresql://user:password@host:5432/database",
        )
    return url


def _worker_id(env: Mapping[str, str]) -> str | None:
    name = env.get("WORKER_ID") or env.get("RENDER_SERVICE_NAME") or None
    if name is not None and not all(character.isalnum() or character in "._-" for character in name):
        raise ConfigurationError(
            "WORKER_ID may hold letters, digits, dots, hyphens and underscores only", field="WORKER_ID"
        )
    return name[:60] if name else None


def _token(env: Mapping[str, str], name: str) -> str | None:
    token = env.get(name) or None
    if token is not None and len(token.encode()) < _TOKEN_BYTES:
        raise ConfigurationError(
            f"{name} is shorter than {_TOKEN_BYTES} bytes", field=name, remedy="Make one: openssl rand -hex 32"
        )
    return token


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        raise ConfigurationError(f"{name} must be a whole number from {low} to {high}", field=name)
    return int(text)


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = env.get(name, "").strip().lower()
    if not value:
        return None
    if value not in allowed:
        raise ConfigurationError(f"{name} must be one of: {', '.join(allowed)}", field=name)
    return value
