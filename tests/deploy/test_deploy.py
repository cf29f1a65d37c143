"""What is deployed: the Blueprint against the settings it must satisfy, and the Dockerfile line by line."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import ValidationError

from exora.cli.main import app
from exora.http.server import application
from exora.settings import read_settings
from tests.deploy.blueprint import Blueprint, read_blueprint

ROOT = Path(__file__).parents[2]
BLUEPRINT = read_blueprint(ROOT / "render.yaml")
COMMANDS = typer.main.get_group(app).commands
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
#: What a person or Render fills in.
FILLED_IN = {
    "SUPABASE_URL": "https://abcdefghijklmnop.supabase.co",
    "SUPABASE_SERVICE_ROLE_KEY": "sb_secret_x",
    "DATABASE_URL": "postgresql://u:p@db.example.org/x?sslmode=verify-full&sslrootcert=ca.pem",
}


@pytest.mark.parametrize("service", BLUEPRINT.services, ids=lambda service: service.name)
class TestService:
    def test_its_environment_is_complete(self, service: Any) -> None:
        env = {
            name: value if value is not None else FILLED_IN.get(name, "x" * 44)
            for name, value in BLUEPRINT.environment(service).items()
        }
        settings = read_settings(env | {"PORT": "10000", "RENDER_SERVICE_NAME": service.name})
        assert settings.production_like
        assert settings.worker_id == service.name

    def test_no_secret_is_in_the_file(self, service: Any) -> None:
        for name, value in BLUEPRINT.environment(service).items():
            if re.search(r"KEY|TOKEN|SECRET|DATABASE_URL|DSN", name):
                assert value is None, name

    def test_jobs_have_time_to_finish_before_the_kill(self, service: Any) -> None:
        drain_s = int(BLUEPRINT.environment(service)["EXORA_DRAIN_SECONDS"] or 25)
        assert drain_s + 10 <= service.maxShutdownDelaySeconds

    def test_its_health_check_is_served_and_its_commands_exist(self, service: Any) -> None:
        assert f'Route("{service.healthCheckPath}"' in Path(application.__code__.co_filename).read_text()
        program, command = shlex.split(service.preDeployCommand)
        assert program == "exora"
        assert command in COMMANDS


def test_staging_and_production_are_apart() -> None:
    names = {service.name: BLUEPRINT.environment(service)["APP_ENV"] for service in BLUEPRINT.services}
    assert names == {"exora-v3-worker-staging": "staging", "exora-v3-worker": "production"}
    assert len({service.branch for service in BLUEPRINT.services}) == 2


def _changed(**change: Any) -> dict[str, Any]:
    data = yaml.safe_load((ROOT / "render.yaml").read_text())
    data["services"][0] |= change
    return dict(data)


@pytest.mark.parametrize(
    "change",
    [
        {"autoDeploy": True},
        {"plan": "free"},
        {"maxShutdownDelaySeconds": 301},
        {"autoDeployTrigger": False},
        {"healthCheckPath": "health"},
        {"scaling": {"minInstances": 3, "maxInstances": 2}, "numInstances": None},
        {"envVars": [{"fromGroup": "nowhere"}]},
        {"envVars": [{"key": "WORKER_ID", "value": "render-${RENDER_SERVICE_ID}"}]},
        {"envVars": [{"key": "A", "value": "x", "sync": False}]},
        {"envVars": [{"key": "A", "value": 5}]},
    ],
    ids=json.dumps,
)
def test_a_blueprint_render_would_refuse_or_misread_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Blueprint.model_validate(_changed(**change))


class TestDockerfile:
    def test_its_base_is_pinned_to_a_release_and_slim(self) -> None:
        assert re.search(r"^ARG PYTHON=3\.\d+-slim-\w+$", DOCKERFILE, re.M)
        assert len(re.findall(r"^FROM python:\$\{PYTHON\}", DOCKERFILE, re.M)) == 2

    def test_every_install_checks_hashes_or_takes_nothing_from_outside(self) -> None:
        installs = re.findall(r"pip install [^\n\\&]*", DOCKERFILE)
        assert len(installs) >= 3
        for install in installs:
            assert "--require-hashes" in install or "--no-index" in install, install

    def test_the_last_stage_only_copies_and_is_not_root(self) -> None:
        last = DOCKERFILE[DOCKERFILE.rindex("FROM ") :]
        assert not re.search(r"apt-get|pip |gcc|curl", last)
        assert re.search(r"^USER \d+:\d+$", last, re.M)
        assert last.index("USER ") < last.index("CMD [")
        assert "HEALTHCHECK" in last
        assert re.search(r"^COPY --from=build", last, re.M)

    def test_nothing_is_written_beside_the_code(self) -> None:
        assert "PYTHONDONTWRITEBYTECODE=1" in DOCKERFILE
        assert not re.search(r"^VOLUME|chmod 777", DOCKERFILE, re.M)

    def test_it_runs_a_command_that_exists(self) -> None:
        [command] = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
        program, name = json.loads(command)
        assert program == "exora"
        assert name in COMMANDS

    def test_what_it_copies_is_there_and_let_through(self) -> None:
        let_through = (ROOT / ".dockerignore").read_text().splitlines()
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.M):
            for source in line.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source.strip('/')}" in let_through, source
