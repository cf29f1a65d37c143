"""Every environment variable Exora reads, in one place; nothing else reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from exora.errors import ConfigurationError
from exora.observe.debug import debug_enabled
from exora.providers.trust import trusting
from exora.providers.urls import checked_url
from exora.supabase.address import check_dsn, check_url
from exora.supabase.client import Project
from exora.supabase.keys import KeyRing

_LEVELS = ("trace", "debug", "info", "warning", "warn", "error")
_ENVIRONMENTS = ("development", "test", "staging", "production")
_OCR_ENGINES = ("tesseract", "vision")
_ANALYZERS = ("local", "openai")
#: A token that opens a page to the world must not be guessable.
_TOKEN_BYTES = 32
_YES = ("1", "true", "yes", "on")
_NO = ("", "0", "false", "no", "off")
_KEYS = ("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY")


@dataclass(frozen=True, slots=True)
class RemoteApi:
    """An API to send pages to.

    Attributes:
        key: never shown.
        base_url: None = the provider's own.
        model: where there is a choice.
        ca_file: EXORA_PROVIDER_CA_FILE: authorities to trust besides the system's; None = only those.
    """

    key: str = field(repr=False)
    base_url: str | None = None
    model: str = ""
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says.

    Attributes:
        app_env: APP_ENV, else NODE_ENV: development, test, staging or production; a label and a gate.
        database_url: DATABASE_URL; None = the embedded PostgreSQL. Never shown: it holds a password.
        project: the Supabase project of SUPABASE_URL, its key (SUPABASE_SERVICE_ROLE_KEY, SUPABASE_SECRET_KEY, or the
            content of EXORA_SUPABASE_KEY_FILE) and EXORA_STORAGE_BUCKET: the store of documents and, without
            DATABASE_URL, the way to the database; None = none.
        data_dir: EXORA_DATA_DIR: where the embedded PostgreSQL keeps its data.
        worker_concurrency: WORKER_CONCURRENCY: slots.
        worker_id: WORKER_ID: a prefix; every process adds a nonce of its own.
        commit: EXORA_COMMIT, else RENDER_GIT_COMMIT: the commit that this was built from; None = nobody says.
        drain_s: EXORA_DRAIN_SECONDS: how long running jobs may finish after SIGTERM.
        http_port: PORT, else HEALTH_CHECK_PORT.
        log_level: LOG_LEVEL.
        audit_key: EXORA_AUDIT_KEY: signs and checks the anchors of the audit trail. Never shown.
        read_token: EXORA_READ_TOKEN: opens /metrics, the details of /ready, and the dashboard for looking. Never shown.
        operate_token: EXORA_OPERATE_TOKEN: opens the dashboard for acting as well. Never shown.
        debug: DEBUG: namespaces of our own debug events, in the syntax of npm's package of that name.
        node_debug: NODE_DEBUG: ``http`` shows calls as DEBUG=db:* does; the rest has no counterpart here.
        debug_queries: DEBUG_QUERIES: show every call of a function: name, duration, rows, argument names; no values.
        verbose: VERBOSE: log as if LOG_LEVEL were debug.
        sentry_dsn: SENTRY_DSN: where errors are told, as ids and codes; needs the extra ``sentry``. Never shown.
        otel_endpoint: OTEL_EXPORTER_OTLP_ENDPOINT: where traces are sent, over HTTP; needs the extra ``otel``.
        ocr, analyzer: EXORA_OCR and EXORA_ANALYZER, the engines by name; None = remote with its key, else local.
        vision: Google Vision by GOOGLE_CLOUD_API_KEY and GOOGLE_VISION_BASE_URL; None = pages are recognized here.
        openai: OpenAI by OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL; None = pages are analyzed here.
    """

    app_env: str = "development"
    database_url: str | None = field(default=None, repr=False)
    project: Project | None = field(default=None, repr=False)
    data_dir: Path | None = None
    worker_concurrency: int = 50
    worker_id: str | None = None
    commit: str | None = None
    drain_s: float = 25.0
    http_port: int = 10000
    log_level: str = "info"
    audit_key: str | None = field(default=None, repr=False)
    read_token: str | None = field(default=None, repr=False)
    operate_token: str | None = field(default=None, repr=False)
    debug: str = ""
    node_debug: str = ""
    debug_queries: bool = False
    verbose: bool = False
    sentry_dsn: str | None = field(default=None, repr=False)
    otel_endpoint: str | None = None
    ocr: str | None = None
    analyzer: str | None = None
    vision: RemoteApi | None = None
    openai: RemoteApi | None = None

    @property
    def traced(self) -> bool:
        """Whether calls of the database are shown."""
        over = "db:calls" if self.database_url or not self.project else "supabase:client"
        return (
            self.debug_queries or debug_enabled(self.debug, over) or "http" in self.node_debug or "*" in self.node_debug
        )

    @property
    def production_like(self) -> bool:
        """Staging and production: what is missing is an error, never a silent default."""
        return self.app_env in ("staging", "production")


def environment() -> Mapping[str, str]:
    """The process's own variables, for those who show them."""
    return os.environ


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment.

    Args:
        environ: the variables; None = the process's own.

    Raises:
        ConfigurationError: a value is malformed, or something is missing in staging or production.
    """
    env = os.environ if environ is None else environ
    database_url = _database_url(env)
    app_env = _choice(env, "APP_ENV", _ENVIRONMENTS) or _choice(env, "NODE_ENV", _ENVIRONMENTS) or "development"
    if app_env == "production" and env.get("NODE_ENV") not in (None, "", "production"):
        raise ConfigurationError(
            "APP_ENV is production, but NODE_ENV is not", field="NODE_ENV", remedy="Unset NODE_ENV; nothing needs it"
        )
    ocr, analyzer = _choice(env, "EXORA_OCR", _OCR_ENGINES), _choice(env, "EXORA_ANALYZER", _ANALYZERS)
    settings = Settings(
        app_env=app_env,
        database_url=database_url,
        project=_project(env),
        data_dir=Path(env["EXORA_DATA_DIR"]) if env.get("EXORA_DATA_DIR") else None,
        worker_concurrency=_integer(env, "WORKER_CONCURRENCY", 50, 1, 1000),
        worker_id=_worker_id(env),
        commit=_commit(env),
        drain_s=float(_integer(env, "EXORA_DRAIN_SECONDS", 25, 0, 3600)),
        http_port=_integer(env, "PORT" if env.get("PORT") else "HEALTH_CHECK_PORT", 10000, 0, 65535),
        log_level="debug" if _flag(env, "VERBOSE") else (_choice(env, "LOG_LEVEL", _LEVELS) or "info"),
        audit_key=env.get("EXORA_AUDIT_KEY") or None,
        read_token=_token(env, "EXORA_READ_TOKEN"),
        operate_token=_token(env, "EXORA_OPERATE_TOKEN"),
        debug=env.get("DEBUG", ""),
        node_debug=env.get("NODE_DEBUG", ""),
        debug_queries=_flag(env, "DEBUG_QUERIES"),
        verbose=_flag(env, "VERBOSE"),
        sentry_dsn=env.get("SENTRY_DSN") or None,
        otel_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        ocr=ocr,
        analyzer=analyzer,
        vision=_remote(
            env, app_env, ocr, key="GOOGLE_CLOUD_API_KEY", url="GOOGLE_VISION_BASE_URL", choice="EXORA_OCR",
            local="tesseract", model="vision-api",
        ),
        openai=_remote(
            env, app_env, analyzer, key="OPENAI_API_KEY", url="OPENAI_BASE_URL", choice="EXORA_ANALYZER",
            local="local", model=env.get("OPENAI_MODEL", "").strip() or "gpt-4o-mini",
        ),
    )  # fmt: skip
    if settings.production_like and settings.database_url is None and settings.project is None:
        raise ConfigurationError(
            f"APP_ENV is {settings.app_env} but neither DATABASE_URL nor SUPABASE_URL is set",
            field="DATABASE_URL",
            remedy="Set DATABASE_URL, or SUPABASE_URL and its key; the embedded database is for development only",
        )
    if database_url is not None and not _flag(env, "EXORA_INSECURE_DATABASE"):
        check_dsn(database_url)
    elif settings.production_like and _flag(env, "EXORA_INSECURE_DATABASE"):
        raise ConfigurationError(
            f"APP_ENV is {settings.app_env}, where EXORA_INSECURE_DATABASE is not allowed",
            field="EXORA_INSECURE_DATABASE",
            remedy="Use sslmode=verify-full in DATABASE_URL",
        )
    return settings


def _remote(
    env: Mapping[str, str], app_env: str, asked: str | None, *, key: str, url: str, choice: str, local: str, model: str
) -> RemoteApi | None:
    """The remote engine, where its key is set and the local one is not asked for by name.

    Quality never drops silently: where it counts, doing without a remote engine has to be asked for.
    """
    given = env.get(key, "").strip()
    if asked == local:
        return None
    if not given:
        if asked is not None:
            raise ConfigurationError(f"{choice} is {asked}, but {key} is not set", field=key, remedy=f"Set {key}")
        if app_env in ("staging", "production"):
            raise ConfigurationError(
                f"APP_ENV is {app_env} and {key} is not set",
                field=choice,
                remedy=f"Set {key}, or ask for the local engine by name: {choice}={local}",
            )
        return None
    base_url = env.get(url, "").strip()
    ca_file = env.get("EXORA_PROVIDER_CA_FILE", "").strip() or None
    if ca_file is not None:
        trusting(ca_file, "EXORA_PROVIDER_CA_FILE")
    return RemoteApi(given, checked_url(base_url, url) if base_url else None, model, ca_file)


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


def _project(env: Mapping[str, str]) -> Project | None:
    url = env.get("SUPABASE_URL") or None
    file = env.get("EXORA_SUPABASE_KEY_FILE") or None
    name = next((name for name in _KEYS if env.get(name)), None)
    if url is None:
        if name is None and file is None:
            return None
        raise ConfigurationError(
            f"{name or 'EXORA_SUPABASE_KEY_FILE'} is set, but SUPABASE_URL is not",
            field="SUPABASE_URL",
            remedy="Set it to https://PROJECT.supabase.co",
        )
    if name is None and file is None:
        raise ConfigurationError(
            "SUPABASE_URL is set, but no key is",
            field=_KEYS[0],
            remedy=f"Set {_KEYS[0]}, or EXORA_SUPABASE_KEY_FILE to a file that holds it",
        )
    url = check_url(url)
    ring = KeyRing(lambda: _key(env, file, name or ""), url)
    return Project(url, ring, env.get("EXORA_STORAGE_BUCKET") or "medical-docs", _flag(env, "EXORA_USE_PROXY"))


def _key(env: Mapping[str, str], file: str | None, name: str) -> str:
    """The key as it is now: the file's, which may be another one than a moment ago, before the variable's."""
    if file is None:
        return env[name]
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the file of EXORA_SUPABASE_KEY_FILE cannot be read ({type(error).__name__})",
            field="EXORA_SUPABASE_KEY_FILE",
            remedy="Check its path and that this user may read it",
        ) from error


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").strip().lower()
    if value not in _YES + _NO:
        raise ConfigurationError(f"{name} must be true or false", field=name)
    return value in _YES


def _commit(env: Mapping[str, str]) -> str | None:
    commit = env.get("EXORA_COMMIT") or env.get("RENDER_GIT_COMMIT") or None
    if commit is not None and not re.fullmatch(r"[0-9a-fA-F]{7,64}", commit):
        raise ConfigurationError("EXORA_COMMIT is no commit: 7 to 64 hexadecimal digits", field="EXORA_COMMIT")
    return commit


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
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
        raise ConfigurationError(f"{name} must be a whole number from {low} to {high}", field=name)
    return int(text)


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    value = env.get(name, "").strip().lower()
    if not value:
        return None
    if value not in allowed:
        raise ConfigurationError(f"{name} must be one of: {', '.join(allowed)}", field=name)
    return value
