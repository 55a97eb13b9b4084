"""The containers start the same programs as the demo and the tests."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from config import processes

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker" / "compose.yaml"


def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


def in_a_container(command: list[str]) -> list[str]:
    """Our command line with the container's Python, listening on the container's own network."""
    return [part.replace(sys.executable, "python").replace(processes.HOST, "0.0.0.0") for part in command]  # noqa: S104


def test_the_web_and_worker_containers_run_what_the_demo_runs() -> None:
    assert services()["web"]["command"] == in_a_container(processes.web(port=8000))
    assert services()["worker"]["command"] == in_a_container(processes.worker(name="worker"))
    assert services()["simulators"]["command"][:3] == in_a_container(processes.simulators(port=1, book=ROOT))[:3]


def test_the_image_runs_the_web_process_by_default() -> None:
    last = (ROOT / "docker" / "Dockerfile").read_text().rstrip().rpartition("\nCMD ")[2]
    assert json.loads(last) == services()["web"]["command"]


def test_the_image_holds_every_package() -> None:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {pattern.rstrip("*") for pattern in found}
    dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
    kept = (ROOT / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    assert {package for package in packages if f"COPY {package} {package}\n" in dockerfile} == packages
    assert {package for package in packages if f"!{package}" in kept} == packages


def test_every_lasting_service_says_whether_it_is_healthy_and_only_the_web_is_published() -> None:
    lasting = {name for name, service in services().items() if service.get("restart") == "unless-stopped"}
    assert {name for name in lasting if "healthcheck" in services()[name]} == lasting == set(services()) - {"migrate"}
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:${RECOURSE_PORT:-8000}:8000"]}


def docker_compose() -> list[str]:
    """The command, as a plugin of docker or as the older program; empty if there is neither."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    return []


@pytest.mark.skipif(not docker_compose(), reason="docker compose is not installed")
def test_docker_compose_accepts_the_file() -> None:
    command = [*docker_compose(), "--file", str(COMPOSE), "config", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
