"""One run of the tests: a directory of its own, and a PostgreSQL server that starts with the first need of a database.

The run is made by the process that is started first (the controller of xdist, or the only one) and is known to all
that it starts by the environment. Each test process has a data directory of its own in it, so that no test meets the
broker's messages of another.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config.embedded import EmbeddedServer
from config.locks import FileLock

RUN = "RECOURSE_TEST_RUN"
REAL_SERVER = "RECOURSE_TEST_DATABASE_URL"
REAL_BROKER = "RECOURSE_TEST_BROKER_URL"


@dataclass(frozen=True)
class Run:
    """The directory of a run, and the server that its databases are on."""

    path: Path

    @classmethod
    def begin(cls) -> tuple["Run", FileLock]:
        """A new run, and the lock by which others see that it is not over. Removes what killed runs left behind."""
        temp = Path(tempfile.gettempdir())
        with FileLock(temp / f"recourse-tests-{os.getuid()}.lock").exclusively():
            for left in temp.glob("recourse-tests-*/"):
                if left.is_symlink() or left.stat().st_uid != os.getuid():
                    continue  # somebody else's, or a trap: in this directory anybody may make a name
                lock = FileLock(left / "run.lock")
                if lock.try_exclusive():
                    cls(left).end()
                    lock.release()
            run = cls(Path(tempfile.mkdtemp(prefix="recourse-tests-")))
            lock = FileLock(run.path / "run.lock")
            lock.take_exclusive()
        os.environ[RUN] = str(run.path)
        return run, lock

    @classmethod
    def current(cls) -> "Run | None":
        return cls(Path(os.environ[RUN])) if RUN in os.environ else None

    @property
    def server(self) -> EmbeddedServer:
        return EmbeddedServer(self.path / "server", durable=False)

    @property
    def prefix(self) -> str:
        """What the names of this run's databases begin with."""
        return self.path.name.replace("-", "_").lower()

    @property
    def template(self) -> str:
        return f"{self.prefix}_template"

    def set_environment(self) -> None:
        """Points this process, and what it starts, at the run. To be called before Django's settings are read."""
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        os.environ["RECOURSE_DATA_DIR"] = str(self.path / worker)
        os.environ["DATABASE_URL"] = self.url("there_is_no_database_outside_a_test")
        os.environ["CELERY_BROKER_URL"] = os.environ.get(REAL_BROKER, "")

    def url(self, database: str) -> str:
        """The address of a database of this run."""
        real = os.environ.get(REAL_SERVER)
        return urlsplit(real)._replace(path=f"/{database}").geturl() if real else self.server.url(database)

    @contextmanager
    def administration(self) -> Iterator[psycopg.Connection]:
        """A connection that creates and drops databases, to a server that is up."""
        if REAL_SERVER in os.environ:
            address = os.environ[REAL_SERVER]
        else:
            _hold(self.path)
            address = self.url("postgres")
        with psycopg.connect(address, autocommit=True) as connection:
            yield connection

    def create(self, name: str, *, template: str | None = None) -> None:
        # Measured on the embedded server: a copy of the files takes 7 ms, a copy through the log 15 ms. The former asks
        # for a checkpoint, which is dear where fsync is on.
        strategy = "wal_log" if REAL_SERVER in os.environ else "file_copy"
        with self.administration() as connection:
            connection.execute(
                f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY {strategy}'
                if template
                else f'CREATE DATABASE "{name}"'
            )

    def drop(self, name: str) -> None:
        with self.administration() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def end(self) -> None:
        """Removes all that the run made, whoever still uses it."""
        if REAL_SERVER in os.environ:
            with self.administration() as connection:
                names = connection.execute(
                    "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [self.prefix]
                ).fetchall()
            for (name,) in names:
                self.drop(name)
        self.server.destroy()
        shutil.rmtree(self.path, ignore_errors=True)


_held: dict[Path, EmbeddedServer] = {}


def _hold(path: Path) -> None:
    """Keeps this process a user of the run's server until it ends; starts it again if a test has killed it."""
    server = _held.setdefault(path, Run(path).server)
    server.revive()
