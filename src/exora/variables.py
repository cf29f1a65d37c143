"""What `exora settings` shows: every variable with its effective value and where it comes from, secrets masked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from exora.settings import RemoteApi, Settings

_MASKED = "(set; not shown)"


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting.

    Attributes:
        names: of its variables; the first that is set counts.
        attribute: of ``Settings``.
        secret: its value is never shown.
    """

    names: tuple[str, ...]
    attribute: str
    secret: bool = False


VARIABLES = (
    Variable(("APP_ENV", "NODE_ENV"), "app_env"),
    Variable(("DATABASE_URL",), "database_url", secret=True),
    Variable(("SUPABASE_URL",), "project"),
    Variable(("EXORA_SUPABASE_KEY_FILE", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY"), "project", secret=True),
    Variable(("EXORA_STORAGE_BUCKET",), "project"),
    Variable(("EXORA_USE_PROXY",), "project"),
    Variable(("EXORA_INSECURE_DATABASE",), "database_url"),
    Variable(("EXORA_DATA_DIR",), "data_dir"),
    Variable(("WORKER_CONCURRENCY",), "worker_concurrency"),
    Variable(("WORKER_ID", "RENDER_SERVICE_NAME"), "worker_id"),
    Variable(("EXORA_COMMIT", "RENDER_GIT_COMMIT"), "commit"),
    Variable(("EXORA_DRAIN_SECONDS",), "drain_s"),
    Variable(("PORT", "HEALTH_CHECK_PORT"), "http_port"),
    Variable(("LOG_LEVEL",), "log_level"),
    Variable(("DEBUG",), "debug"),
    Variable(("NODE_DEBUG",), "node_debug"),
    Variable(("DEBUG_QUERIES",), "debug_queries"),
    Variable(("VERBOSE",), "verbose"),
    Variable(("EXORA_AUDIT_KEY",), "audit_key", secret=True),
    Variable(("EXORA_READ_TOKEN",), "read_token", secret=True),
    Variable(("EXORA_OPERATE_TOKEN",), "operate_token", secret=True),
    Variable(("SENTRY_DSN",), "sentry_dsn", secret=True),
    Variable(("OTEL_EXPORTER_OTLP_ENDPOINT",), "otel_endpoint"),
    Variable(("EXORA_OCR",), "ocr"),
    Variable(("EXORA_ANALYZER",), "analyzer"),
    Variable(("GOOGLE_CLOUD_API_KEY",), "vision", secret=True),
    Variable(("GOOGLE_VISION_BASE_URL",), "vision"),
    Variable(("OPENAI_API_KEY",), "openai", secret=True),
    Variable(("OPENAI_BASE_URL",), "openai"),
    Variable(("OPENAI_MODEL",), "openai"),
    Variable(("EXORA_PROVIDER_CA_FILE",), "openai"),
)


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting as it is in force."""

    name: str
    value: str
    source: str


def effective(settings: Settings, env: Mapping[str, str]) -> list[Effective]:
    """Every setting in force.

    Args:
        settings: as read from ``env``.
        env: the variables.
    """
    shown = []
    for variable in VARIABLES:
        source = next((name for name in variable.names if env.get(name)), None)
        shown.append(
            Effective(variable.names[0], _value(variable, source, settings, env), source or "default")
        )  # fmt: skip
    return shown


def _value(variable: Variable, source: str | None, settings: Settings, env: Mapping[str, str]) -> str:
    if variable.names[0] == "DATABASE_URL" and settings.database_url:
        parts = urlsplit(settings.database_url)
        return f"{parts.scheme}://{parts.hostname or 'socket'}{parts.path} {_MASKED}"
    if variable.secret:
        return _MASKED if source else ""
    if variable.attribute == "project" or variable.names[0] == "EXORA_INSECURE_DATABASE":
        project = settings.project
        values = {
            "SUPABASE_URL": project.url if project else "",
            "EXORA_STORAGE_BUCKET": project.bucket if project else "",
            "EXORA_USE_PROXY": str(bool(project and project.use_proxy)).lower(),
        }
        return values.get(variable.names[0], env.get(variable.names[0], "false"))
    if variable.names[0] == "EXORA_PROVIDER_CA_FILE":
        return next((api.ca_file for api in (settings.openai, settings.vision) if api and api.ca_file), "")
    value = getattr(settings, variable.attribute)
    if value is None:
        return ""
    if isinstance(value, RemoteApi):
        return value.model if variable.names[0] == "OPENAI_MODEL" else value.base_url or ""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def warnings_of(env: Mapping[str, str]) -> list[str]:
    """A warning for every EXORA_* that nothing reads, with the nearest name that something does, and for a NODE_ENV
    other than the guide's."""
    known = [name for variable in VARIABLES for name in variable.names]
    ours = [name.removeprefix("EXORA_") for name in known]  # what is common to all would make any two alike
    warnings = []
    for name in sorted(env):
        if name.startswith("EXORA_") and name not in known:
            near = difflib.get_close_matches(name.removeprefix("EXORA_"), ours, 1, 0.6)
            hint = f"; did you mean {known[ours.index(near[0])]}?" if near else "; see: exora settings"
            warnings.append(f"{name} is set, but nothing reads it{hint}")
    if env.get("NODE_ENV", "production") not in ("", "production"):
        warnings.append("NODE_ENV is not production; it changes nothing here but the label, which APP_ENV is for")
    return warnings
