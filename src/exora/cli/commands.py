"""The commands by name: each is loaded when it is asked for, so that none waits for what the others need."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup

_TRY, _RUN, _SEE, _KEEP = "Try it", "Documents and workers", "See and act", "Set up and look after"
#: Name → where it is (module:attribute of this package) and the panel of the help that shows it.
_PLACES = {
    "demo": ("demo:demo", _TRY),
    "dev": ("dev:dev", _TRY),
    "analyze": ("analyze:analyze", _TRY),
    "worker": ("worker:worker", _RUN),
    "patients": ("patients:app", _RUN),
    "submit": ("submit:submit", _RUN),
    "record": ("record:record", _RUN),
    "queue": ("queue:app", _SEE),
    "jobs": ("jobs:app", _SEE),
    "dead": ("dead:app", _SEE),
    "lanes": ("lanes:app", _SEE),
    "workers": ("workers:workers", _SEE),
    "capacity": ("capacity:app", _SEE),
    "schedules": ("schedules:app", _SEE),
    "usage": ("usage:app", _SEE),
    "audit": ("audit:app", _SEE),
    "migrate": ("migrate:migrate", _KEEP),
    "test": ("test:app", _KEEP),
    "doctor": ("test:doctor", _KEEP),
    "settings": ("settings:settings", _KEEP),
    "promote": ("promote:promote", _KEEP),
}


class _Loaded(MutableMapping[str, Any]):
    """The commands; looking one up loads it."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, *_PLACES[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands are not taken away")

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


class Commands(TyperGroup):
    """The group of all of them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast(Any, _Loaded())


def _load(name: str, place: str, panel: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"exora.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        command: Any = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name, command.rich_help_panel = name, panel
    return command
