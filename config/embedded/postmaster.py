"""Starting and stopping PostgreSQL in its home. The caller holds the home's gate: nobody else does the same at once."""

import errno
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import psycopg
from psycopg.pq import PGconn, Ping

from config.embedded.home import Account, Home, ServerUnavailable, programs

PORT = 5432  # names the socket only: the server listens on no network
SUPERUSER = "postgres"
DATABASE = "recourse"

#: No process can have this number (Linux allows at most 2^22), so PostgreSQL takes the owner of a lock file for dead.
NOBODYS_PID = 2_147_483_646

SETTINGS = {"listen_addresses": "", "max_connections": "300", "timezone": "UTC", "log_timezone": "UTC"}

#: For servers whose data dies with the test run: what they lose in a power cut, nobody misses. Commits still wait for
#: their record to be written (synchronous_commit), so that killing the server's processes loses nothing.
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class Postmaster:
    """The server process of one home."""

    def __init__(self, home: Home, *, durable: bool, patience: float = 60.0) -> None:
        self.home = home
        self.account = Account.for_this_process()
        self.durable = durable
        self.patience = patience

    def ping(self) -> Ping:
        """OK: takes connections. REJECT: alive, but starting, recovering or stopping. NO_RESPONSE: nobody listens."""
        conninfo = f"host={self.home.sockets} port={PORT} dbname=postgres user={SUPERUSER} connect_timeout=5"
        return Ping(PGconn.ping(conninfo.encode()))

    def pid(self) -> int | None:
        """The postmaster's process id, or None when none lives: neither a zombie nor a process that reused its id."""
        import psutil

        try:
            number = int(self._pid_file.read_text(encoding="utf-8", errors="replace").split("\n", 1)[0])
            process = psutil.Process(number)
            lives = process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == self.home.pgdata.resolve()
        except (OSError, ValueError, psutil.Error):
            return None
        return number if lives else None

    def start(self) -> None:
        """Returns when the server takes connections; raises ServerUnavailable with the end of its log otherwise."""
        self.home.prepare_cluster(account=self.account)
        if not self.home.pgdata.exists():
            self._initialise()
        deadline = time.monotonic() + self.patience
        while True:
            self._disown_stale_lock_files()
            log_starts_at = self.home.log.stat().st_size if self.home.log.exists() else 0
            settings = SETTINGS | ({} if self.durable else THROW_AWAY_SETTINGS)
            options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
            failed = self._run(
                *("pg_ctl", "start", "-D", "data", "-l", self.home.log.name, "-w", "-t", str(int(self.patience))),
                *("-o", f"-k {self.home.sockets} -p {PORT} {options}"),
            )
            if not failed:
                break
            # After a SIGKILL of the postmaster, its children still finish what they do: the new one must wait for them.
            waits_for_children = "still in use" in self._log_from(log_starts_at)
            if not waits_for_children or time.monotonic() > deadline:
                raise ServerUnavailable(self._explain("did not start", self._log_from(log_starts_at)))
            time.sleep(0.1)
        self._ensure_database()

    def stop(self, *, mode: str = "fast") -> None:
        """Ends the server, and its clients' connections; returns when it is gone. Harmless when none runs."""
        if self.pid() is None:
            return
        failed = self._run("pg_ctl", "stop", "-D", "data", "-m", mode, "-w", "-t", str(int(self.patience)))
        if failed and self.pid() is not None:
            raise ServerUnavailable(self._explain("did not stop", self._log_from(0)))

    def await_settled(self) -> Ping:
        """Waits while the server is between states (starting, recovering, stopping); returns OK or NO_RESPONSE."""
        deadline = time.monotonic() + self.patience
        while (answer := self.ping()) == Ping.REJECT:
            if time.monotonic() > deadline:
                raise ServerUnavailable(self._explain("does not become ready", self._log_from(0)))
            time.sleep(0.02)
        return answer

    @property
    def _pid_file(self) -> Path:
        return self.home.pgdata / "postmaster.pid"

    def _run(self, program: str, *arguments: str) -> int:
        # Paths are relative to the cluster: pg_ctl hands its command to a shell, which would read a '$' in them.
        path = programs(self.account) / program
        return self.account.run([str(path), *arguments], cwd=self.home.cluster, output=self.home.path / "programs.log")

    def _initialise(self) -> None:
        draft = self.home.cluster / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        durability = () if self.durable else ("--no-sync",)
        (self.home.path / "programs.log").write_bytes(b"")
        failed = self._run(
            *("initdb", "-D", draft.name, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
            *("--locale-provider=builtin", f"--locale={locale}", "--builtin-locale=C.UTF-8", *durability),
        )
        if failed:
            raise ServerUnavailable(self._explain("could not be initialised", ""))
        draft.rename(self.home.pgdata)

    def _disown_stale_lock_files(self) -> None:
        """Lets a new postmaster take the place of a dead one, even if its process id is in use again.

        The files are not deleted: by what else they say, PostgreSQL sees whether a child of the dead one still runs.
        """
        if self.pid() is not None:
            message = (
                f"The embedded PostgreSQL runs (process {self.pid()}) but does not answer at {self.home.sockets}. "
                "Its socket was removed, or it is stopped: end that process, and try again. Its data is safe."
            )
            raise ServerUnavailable(message)
        for path in (self._pid_file, self.home.sockets / f".s.PGSQL.{PORT}.lock"):
            # The directory is the server's account's, which we may be root for: never through a link that it made.
            with suppress(FileNotFoundError), _opened_without_links(path) as file:
                _, _, rest = file.read().partition(b"\n")
                # In place: the owner and the mode stay the server's.
                file.seek(0)
                file.write(b"%d\n" % NOBODYS_PID + rest)
                file.truncate()

    def _ensure_database(self) -> None:
        with psycopg.connect(
            host=str(self.home.sockets), port=PORT, user=SUPERUSER, dbname="postgres", autocommit=True
        ) as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _log_from(self, position: int) -> str:
        try:
            with self.home.log.open("rb") as file:
                file.seek(position)
                return file.read().decode("utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def _explain(self, what: str, log: str) -> str:
        programs_log = self.home.path / "programs.log"
        said = log.strip() or programs_log.read_text(encoding="utf-8", errors="replace").strip()
        end = "\n".join(f"    {line}" for line in said.splitlines()[-12:])
        return (
            f"The embedded PostgreSQL in {self.home.data_dir} {what}. It said:\n{end}\n(the whole log: {self.home.log})"
        )


def _opened_without_links(path: Path) -> IO[bytes]:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW), "r+b")
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ServerUnavailable(f"{path} is a link that no server made: remove it, and find out who did.") from None
        raise
