"""Gives every test that asks for one a PostgreSQL database of its own, in which everything commits for real.

Loaded early (`-p tests.plugin`), because pytest-django reads the settings before any conftest.py. The database is
cloned from a template that is migrated once per run. Processes that the test starts find it in DATABASE_URL; threads
use the same one. The tests below tests/, but for tests/unit and tests/architecture, have one without asking.
"""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from config.locks import FileLock
from tests.run import REAL_BROKER, Run

WITH_A_DATABASE = {"integration", "engine", "api", "e2e", "chaos"}

_begun: dict[str, Any] = {}
_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """The database of one test."""

    name: str
    url: str


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Before Django's settings are read: the first process begins a run, those that it starts join it."""
    run = Run.current()
    if run is None:
        run, _begun["lock"] = Run.begin()
        _begun["run"] = run
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, _interrupt)  # as Ctrl-C: pytest reports, and cleans up
    run.set_environment()


def _interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if run := _begun.pop("run", None):
        run.end()
        _begun.pop("lock").release()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "database: the test has a PostgreSQL database of its own (fixture `database`).")
    config.addinivalue_line("markers", f"broker: the test uses the broker, which {REAL_BROKER} may name.")


@pytest.fixture(autouse=True)
def _a_database_where_one_is_needed(request: pytest.FixtureRequest) -> None:
    folders = [request.config.rootpath / "tests" / name for name in WITH_A_DATABASE]
    if request.node.get_closest_marker("database") or not set(folders).isdisjoint(request.path.parents):
        request.getfixturevalue("database")


@pytest.fixture
def database(django_db_blocker: Any) -> Iterator[Database]:
    """A fresh, migrated database, used by this process's threads and by the processes it starts; dropped afterwards."""
    run = Run.current()
    assert run is not None
    with django_db_blocker.unblock():
        _migrate_template_once(run)
        name = f"{run.prefix}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{next(_numbers)}"
        run.create(name, template=run.template)
        try:
            with _django_uses(name, url=run.url(name)):
                yield Database(name=name, url=run.url(name))
        finally:
            run.drop(name)
            _forget_messages()


def _migrate_template_once(run: Run) -> None:
    ready = run.path / "template.ready"
    if ready.exists():
        return
    with FileLock(run.path / "template.lock").exclusively():
        if ready.exists():
            return
        from django.core.management import call_command

        run.drop(run.template)  # what another process left when its migrations failed
        run.create(run.template)
        with _django_uses(run.template, url=run.url(run.template)):
            call_command("migrate", verbosity=0, interactive=False)
        ready.touch()


@contextmanager
def _django_uses(name: str, *, url: str) -> Iterator[None]:
    from django.db import connections

    connections.close_all()
    settings = connections.settings["default"]  # the one dict that the connections of all threads read
    outside, outside_url = settings["NAME"], os.environ["DATABASE_URL"]
    settings["NAME"], os.environ["DATABASE_URL"] = name, url
    try:
        yield
    finally:
        connections.close_all()
        settings["NAME"], os.environ["DATABASE_URL"] = outside, outside_url


def _forget_messages() -> None:
    """Empties the file-system broker of this test process: hints of this test mean nothing to the next one."""
    for folder in Path(os.environ["RECOURSE_DATA_DIR"]).glob("broker/*"):
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
