"""exora capacity: how full each API is; set its limits, close and open it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from exora.cli.acts import ByOption, WhyOption, act
from exora.cli.database import ask
from exora.cli.output import JsonOption, out, parse_limit, print_json
from exora.domain.capacity import ApiCapacity
from exora.domain.operations import Act
from exora.errors import BadInput

app = typer.Typer(help="See how full each API is; set its limits, close and open it.", no_args_is_help=True)

ProviderArgument = Annotated[str, typer.Argument(metavar="PROVIDER", help="For example openai.")]
EndpointArgument = Annotated[str, typer.Argument(metavar="ENDPOINT", help="For example gpt-4o-mini.")]
_COLORS = {"available": "green", "rate_limited": "yellow", "closed": "red", "down": "red"}


@app.command("show")
def show(as_json: JsonOption = False) -> None:
    """Show each API: its state and why, what counts against each limit now, and what was spent today."""
    found = ask(lambda verbs: verbs.api_capacity())
    if as_json:
        print_json(found)
        return
    table = Table("api", "state", "why", "requests/min", "tokens/min", "at once", "today", "waiting", "workers")
    for api in found:
        table.add_row(
            f"{api.provider}/{api.endpoint}",
            f"[{_COLORS[api.state]}]{api.state}[/]",
            _why(api),
            _of(api.requests, api.requests_per_minute),
            _of(api.tokens, api.tokens_per_minute),
            _of(api.concurrent, api.concurrent_requests),
            f"${api.cost_today_usd:.2f}" + (f" of ${api.cost_per_day_usd:.2f}" if api.cost_per_day_usd else ""),
            str(api.waiting or ""),
            str(api.workers or ""),
        )
    out.print(table)


@app.command("set")
def set_(
    provider: ProviderArgument,
    endpoint: EndpointArgument,
    rpm: Annotated[str | None, typer.Option(help="Requests per minute, or none.")] = None,
    tpm: Annotated[str | None, typer.Option(help="Tokens per minute, or none.")] = None,
    concurrent: Annotated[str | None, typer.Option(help="Calls at once, or none.")] = None,
    cost_per_day: Annotated[str | None, typer.Option(help="US dollars per day (UTC), or none.")] = None,
    status: Annotated[
        Literal["active", "disabled", "maintenance"] | None, typer.Option(help="Whether it may be called.")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Share of a limit above which enqueues are deferred.")] = None,
    defer_seconds: Annotated[
        int | None, typer.Option(min=1, max=86400, help="Seconds for which enqueues are then deferred; 1 at first.")
    ] = None,
    usd_per_request: Annotated[float | None, typer.Option(help="Price of a request (or image).")] = None,
    usd_per_million_input: Annotated[float | None, typer.Option(help="Price of a million input tokens.")] = None,
    usd_per_million_output: Annotated[float | None, typer.Option(help="Price of a million output tokens.")] = None,
    profile: Annotated[str | None, typer.Option(help="Set this profile's share instead of the whole.")] = None,
    why: WhyOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change an API's limits or prices, or make a new one known. Workers follow within a second."""
    limited = (
        ("requests_per_minute", rpm, "--rpm", int),
        ("tokens_per_minute", tpm, "--tpm", int),
        ("concurrent_requests", concurrent, "--concurrent", int),
        ("cost_per_day_usd", cost_per_day, "--cost-per-day", float),
    )
    given: dict[str, Any] = {
        "status": status,
        "backpressure_threshold": threshold,
        "backpressure_delay_seconds": defer_seconds,
        "usd_per_request": usd_per_request,
        "usd_per_million_input_tokens": usd_per_million_input,
        "usd_per_million_output_tokens": usd_per_million_output,
    }
    limits = {name: parse_limit(text, option, kind) for name, text, option, kind in limited if text is not None}
    limits |= {name: value for name, value in given.items() if value is not None}
    if not limits:
        raise BadInput("there is nothing to set", remedy="Give at least one limit; see exora capacity set --help")
    new = ask(lambda verbs: verbs.set_api_limits(provider, endpoint, limits, profile=profile))
    if as_json:
        print_json({"provider": provider, "endpoint": endpoint, "profile": profile, "new": new} | limits)
    else:
        out.print(f"{provider}/{endpoint}{f' ({profile})' if profile else ''} {'is new' if new else 'was changed'}.")


@app.command("close")
def close(
    provider: ProviderArgument,
    endpoint: EndpointArgument,
    seconds: Annotated[float | None, typer.Option(min=1, help="For so long; default: until opened.")] = None,
    why: WhyOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let no call to an API through. Calls under way go on; jobs that need it wait."""
    _turn(provider, endpoint, True, seconds, act(by, why), as_json)


@app.command("open")
def open_(
    provider: ProviderArgument,
    endpoint: EndpointArgument,
    why: WhyOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open an API again, whatever closed it; it opens gradually, within 20 seconds."""
    _turn(provider, endpoint, False, None, act(by, why), as_json)


def _turn(provider: str, endpoint: str, closed: bool, seconds: float | None, who: Act, as_json: bool) -> None:
    changed = ask(lambda verbs: verbs.close_api(provider, endpoint, closed, seconds, who))
    state = "closed" if closed else "open"
    if as_json:
        print_json({"provider": provider, "endpoint": endpoint, "state": state, "changed": changed})
    else:
        out.print(f"{provider}/{endpoint} {'is' if changed else 'was'} {state}{'.' if changed else ' already.'}")


def _why(api: ApiCapacity) -> str:
    """Why it is not available, until when, and who said so."""
    who = f" by {api.closed_by}" if api.closed_by else ""
    why = f" ({api.closed_why})" if api.closed_why else ""
    until = "" if api.closed_until is None else f" until {api.closed_until:%H:%M:%S}"
    return f"{api.reason or ''}{who}{why}{until}"


def _of(used: int, limit: int | None) -> str:
    return f"{used}" if limit is None else f"{used} of {limit}"
