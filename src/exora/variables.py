"""Every variable: what it means, and what `exora settings` shows of it: value and source, secrets masked."""

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
        group: the heading it stands under in the reference.
        meaning: what it says.
        absent: what holds without it, in words; empty = what ``Settings`` has.
        secret: its value is never shown.
    """

    names: tuple[str, ...]
    attribute: str
    group: str
    meaning: str
    absent: str = ""
    secret: bool = False


_DATABASE, _WORKER, _HTTP, _WATCHING, _ENGINES = (
    "Database and documents", "The worker", "HTTP", "Logs, errors, traces", "Engines",
)  # fmt: skip

VARIABLES = (
    Variable(
        ("APP_ENV", "NODE_ENV"),
        "app_env",
        _WORKER,
        "`development`, `test`, `staging` or `production`. A label and a gate: in the last two, what is missing is an"
        " error and nothing falls back. It never switches what the code does; `NODE_ENV` is the original's name",
    ),
    Variable(("WORKER_CONCURRENCY",), "worker_concurrency", _WORKER, "slots: jobs at once, 1 to 1000"),
    Variable(
        ("WORKER_ID", "RENDER_SERVICE_NAME"),
        "worker_id",
        _WORKER,
        "prefix of the worker's id; every process adds a nonce of its own",
        absent="the host's name",
    ),
    Variable(
        ("EXORA_COMMIT", "RENDER_GIT_COMMIT"),
        "commit",
        _WORKER,
        "the commit this was built from: [promotion](../runbooks/promote.md) compares it",
        absent="unknown",
    ),
    Variable(
        ("EXORA_DRAIN_SECONDS",),
        "drain_s",
        _WORKER,
        "how long running jobs may finish after SIGTERM, 0 to 3600 seconds",
    ),
    Variable(
        ("DATABASE_URL",),
        "database_url",
        _DATABASE,
        "the PostgreSQL to use, reached directly; off this machine with `sslmode=verify-full`",
        absent="the project of `SUPABASE_URL`, else the embedded one",
        secret=True,
    ),
    Variable(
        ("SUPABASE_URL",),
        "project",
        _DATABASE,
        "the Supabase project, reached over HTTPS where there is no `DATABASE_URL`; with both, its Storage keeps the"
        " documents",
        absent="none",
    ),
    Variable(
        ("EXORA_SUPABASE_KEY_FILE", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY"),
        "project",
        _DATABASE,
        "the project's service key, of the old kind or the new; the first name is a file that holds it, read again on"
        " SIGHUP, by `/ready` and when the key is refused",
        absent="required with `SUPABASE_URL`",
        secret=True,
    ),
    Variable(
        ("EXORA_STORAGE_BUCKET",),
        "project",
        _DATABASE,
        "the bucket of Supabase Storage that documents are in",
        absent="`medical-docs`",
    ),
    Variable(
        ("EXORA_USE_PROXY",), "project", _DATABASE, "heed the proxy variables of the environment on the way to Supabase"
    ),
    Variable(
        ("EXORA_INSECURE_DATABASE",),
        "database_url",
        _DATABASE,
        "let `DATABASE_URL` leave this machine without `sslmode=verify-full`; refused in staging and production",
    ),
    Variable(
        ("EXORA_DATA_DIR",),
        "data_dir",
        _DATABASE,
        "where the embedded PostgreSQL keeps its data",
        absent="`/var/lib/exora` for root, else `~/.local/share/exora`",
    ),
    Variable(
        ("EXORA_AUDIT_KEY",),
        "audit_key",
        _DATABASE,
        "signs and checks the [anchors](../explanation/audit.md) of the audit trail, and reports of `exora promote`",
        absent="unsigned",
        secret=True,
    ),
    Variable(
        ("PORT", "HEALTH_CHECK_PORT"),
        "http_port",
        _HTTP,
        "port of `/health`, `/ready`, `/metrics` and `/dashboard`; 0 = any free one",
    ),
    Variable(
        ("EXORA_READ_TOKEN",),
        "read_token",
        _HTTP,
        "opens `/metrics`, the details of `/ready` and the [dashboard](../howto/dashboard.md), to look; 32 bytes or"
        " more",
        absent="no dashboard; the other two are open, but closed in staging and production",
        secret=True,
    ),
    Variable(
        ("EXORA_OPERATE_TOKEN",),
        "operate_token",
        _HTTP,
        "the same, to look and to act",
        absent="nobody acts there",
        secret=True,
    ),
    Variable(("LOG_LEVEL",), "log_level", _WATCHING, "`trace`, `debug`, `info`, `warn` or `error`"),
    Variable(("VERBOSE",), "verbose", _WATCHING, "log as if `LOG_LEVEL` were `debug`"),
    Variable(
        ("DEBUG",),
        "debug",
        _WATCHING,
        "show debug events by namespace, in the syntax of npm's package of that name: `db:*`, `supabase:client`,"
        " `-db:calls`",
        absent="none",
    ),
    Variable(
        ("NODE_DEBUG",),
        "node_debug",
        _WATCHING,
        "`http` shows calls of the database, as `DEBUG=db:*` does",
        absent="none",
    ),
    Variable(
        ("DEBUG_QUERIES",),
        "debug_queries",
        _WATCHING,
        "show every call of a function: name, duration, rows and names of arguments, never values",
    ),
    Variable(
        ("SENTRY_DSN",),
        "sentry_dsn",
        _WATCHING,
        "where errors are told, as ids and codes only; needs `exora[sentry]`",
        absent="nowhere",
        secret=True,
    ),
    Variable(
        ("OTEL_EXPORTER_OTLP_ENDPOINT",),
        "otel_endpoint",
        _WATCHING,
        "where traces are sent, over HTTP; needs `exora[otel]`",
        absent="nowhere",
    ),
    Variable(
        ("EXORA_OCR",),
        "ocr",
        _ENGINES,
        "the engine that recognizes pages, by name: `tesseract` or `vision`",
        absent="`vision` with its key, else `tesseract`",
    ),
    Variable(
        ("EXORA_ANALYZER",),
        "analyzer",
        _ENGINES,
        "the analyzer, by name: `local` or `openai`",
        absent="`openai` with its key, else `local`",
    ),
    Variable(
        ("GOOGLE_CLOUD_API_KEY",),
        "vision",
        _ENGINES,
        "pages are [recognized by Google Vision](../howto/remote-apis.md)",
        absent="recognized here",
        secret=True,
    ),
    Variable(
        ("GOOGLE_VISION_BASE_URL",),
        "vision",
        _ENGINES,
        "another address of it, such as `https://eu-vision.googleapis.com`",
        absent="Google's",
    ),
    Variable(
        ("OPENAI_API_KEY",),
        "openai",
        _ENGINES,
        "records are [made by OpenAI](../howto/remote-apis.md)",
        absent="made here",
        secret=True,
    ),
    Variable(("OPENAI_BASE_URL",), "openai", _ENGINES, "another server that speaks its protocol", absent="OpenAI's"),
    Variable(("OPENAI_MODEL",), "openai", _ENGINES, "another model", absent="`gpt-4o-mini`"),
    Variable(
        ("EXORA_PROVIDER_CA_FILE",),
        "openai",
        _ENGINES,
        "certificates (PEM) of authorities to trust besides the system's, for calls to providers",
        absent="only the system's",
    ),
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
