# ruff: noqa: N815  the names are the file's
"""A typed reading of render.yaml: the fields of Render's Blueprint specification that this project uses, and no others.

Render's own schema has no stated licence and is not in any registry; ``render blueprints validate`` is the last word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EnvVar(_Strict):
    """One variable, or a group of them: exactly one source. ${…} is not composed by Render: it would be literal."""

    key: str | None = Field(default=None, pattern=r"^[A-Z][A-Z0-9_]*$")
    value: str | None = None
    sync: Literal[False] | None = None
    generateValue: Literal[True] | None = None
    fromGroup: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> EnvVar:
        sources = [self.value, self.sync, self.generateValue, self.fromGroup]
        if sum(source is not None for source in sources) != 1:
            raise ValueError(f"{self.key or 'a variable'} must have exactly one source")
        if (self.key is None) != (self.fromGroup is not None):
            raise ValueError("a group has no key, and anything else has one")
        if self.value is not None and "${" in self.value:
            raise ValueError(f"{self.key}: Render does not compose values")
        return self


class Scaling(_Strict):
    """Autoscaling; needs a Professional workspace."""

    minInstances: int = Field(ge=1)
    maxInstances: int = Field(ge=1, le=100)
    targetCPUPercent: int | None = Field(default=None, ge=1, le=90)
    targetMemoryPercent: int | None = Field(default=None, ge=1, le=90)

    @model_validator(mode="after")
    def _ordered(self) -> Scaling:
        if self.minInstances > self.maxInstances:
            raise ValueError("minInstances is over maxInstances")
        return self


class Service(_Strict):
    """A web service from a Dockerfile. ``free`` is left out: it sleeps, and the queue with it."""

    type: Literal["web"]
    name: str = Field(pattern=r"^[a-z0-9-]+$")
    runtime: Literal["docker"]
    plan: Literal["starter", "standard", "pro", "pro plus", "pro max", "pro ultra"]
    region: Literal["oregon", "ohio", "virginia", "frankfurt", "singapore"]
    branch: str
    dockerfilePath: str
    healthCheckPath: str = Field(pattern="^/")
    preDeployCommand: str
    autoDeployTrigger: Literal["commit", "checksPass", "off"]
    maxShutdownDelaySeconds: int = Field(ge=1, le=300)
    numInstances: int | None = Field(default=None, ge=1)
    scaling: Scaling | None = None
    envVars: list[EnvVar]

    @model_validator(mode="after")
    def _one_size(self) -> Service:
        if (self.numInstances is None) == (self.scaling is None):
            raise ValueError("either numInstances or scaling")
        return self


class Group(_Strict):
    """Variables that services share."""

    name: str
    envVars: list[EnvVar]


class Blueprint(_Strict):
    """The file."""

    services: list[Service]
    envVarGroups: list[Group] = []

    @model_validator(mode="after")
    def _groups_exist(self) -> Blueprint:
        names = {group.name for group in self.envVarGroups}
        for service in self.services:
            for variable in service.envVars:
                if variable.fromGroup is not None and variable.fromGroup not in names:
                    raise ValueError(f"there is no group {variable.fromGroup}")
        return self

    def environment(self, service: Service) -> dict[str, str | None]:
        """The variables of a service; None where a person or Render fills them in."""
        groups = {group.name: group for group in self.envVarGroups}
        found: dict[str, str | None] = {}
        for variable in service.envVars:
            parts = groups[variable.fromGroup].envVars if variable.fromGroup else [variable]
            found |= {part.key: part.value for part in parts if part.key}
        return found


def read_blueprint(path: Path) -> Blueprint:
    """Read and check the file; YAML's ``off`` without quotes is a boolean and would be refused."""
    return Blueprint.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
