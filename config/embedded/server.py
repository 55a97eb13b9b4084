"""The server of a data directory, shared by all processes that use it and stopped by the last one."""

import atexit
import os
import threading
import weakref
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from psycopg.pq import Ping

from config.embedded.home import Home, ServerUnavailable
from config.embedded.orphans import remove_orphans
from config.embedded.postmaster import DATABASE, PORT, SUPERUSER, Postmaster
from config.locks import FileLock

__all__ = ["EmbeddedServer", "ServerUnavailable", "database_settings", "server_of"]


class EmbeddedServer:
    """A PostgreSQL server that belongs to a data directory.

    Nothing happens before `ensure_running()`. From then on this process counts as a user, until `release()` or its
    end, however it ends. Users hold `users.lock` shared; starting and stopping happen under `gate.lock`, so whoever
    holds the gate and gets `users.lock` exclusively knows that nobody uses the server, nor can begin to meanwhile.

    `durable=False` trades safety in a power cut for speed: for servers that are thrown away.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self._home = Home(self.data_dir)
        self._durable = durable
        self._users = FileLock(self._home.path / "users.lock")
        self._gate = FileLock(self._home.path / "gate.lock")
        self._threads = threading.RLock()
        _servers_of_this_process.add(self)

    @property
    def host(self) -> str:
        """The directory of its Unix socket, which libpq takes as a host."""
        return str(self._home.sockets)

    @property
    def port(self) -> int:
        return PORT

    @property
    def user(self) -> str:
        return SUPERUSER

    def url(self, database: str = DATABASE) -> str:
        """Its address, as both libpq and Django's DATABASE_URL understand it."""
        return f"postgresql://{SUPERUSER}@/{database}?{urlencode({'host': self.host, 'port': PORT}, safe='/')}"

    def postmaster_pid(self) -> int | None:
        """The process id of the running server, or None."""
        return Postmaster(self._home, durable=self._durable).pid()

    def ensure_running(self) -> None:
        """Makes this process a user of the server, and starts it if it does not run. Free when it is a user already."""
        if not self._users.held:
            self.revive()

    def revive(self) -> bool:
        """Makes sure that the server takes connections, looking even if this process is a user already.

        Returns True if it was down, or between states, and is up now: a connection that failed may be tried again.
        """
        with self._threads:
            postmaster = Postmaster(self._home, durable=self._durable)
            self._home.prepare(account=postmaster.account)
            with self._gate.exclusively():
                was_user = self._users.held
                self._users.take_shared()
                try:
                    found = postmaster.ping()
                    if found != Ping.OK and postmaster.await_settled() != Ping.OK:
                        postmaster.start()
                        if postmaster.account.is_other:
                            remove_orphans()
                except BaseException:
                    if not was_user:
                        self._users.release()
                    raise
            atexit.register(self.release)
            return found != Ping.OK

    def release(self) -> None:
        """Ends this process's use. If it was the last user, the server has stopped when this returns."""
        with self._threads:
            if not self._users.held:
                return
            if not self._home.path.exists():
                self._users.release()  # another process destroyed the server
                return
            with self._gate.exclusively():
                self._users.release()
                if self._users.try_exclusive():
                    try:
                        Postmaster(self._home, durable=self._durable).stop()
                    finally:
                        self._users.release()
            atexit.unregister(self.release)

    def stop(self, *, mode: str = "fast") -> None:
        """Stops the server under its users, whoever they are: the next connection of any of them starts it again."""
        with self._threads:
            if not self._home.path.exists():
                return
            with self._gate.exclusively():
                Postmaster(self._home, durable=self._durable).stop(mode=mode)

    def destroy(self) -> None:
        """Stops the server at once, whoever uses it, and deletes its data for good."""
        with self._threads:
            self.stop(mode="immediate")
            self._users.release()
            atexit.unregister(self.release)
            self._home.delete()

    def forget_threads(self) -> None:
        """In a forked child: another thread of the parent may have been inside. (The file locks forget themselves.)"""
        self._threads = threading.RLock()


_servers_of_this_process: "weakref.WeakSet[EmbeddedServer]" = weakref.WeakSet()


def _after_fork() -> None:
    for server in list(_servers_of_this_process):
        server.forget_threads()


os.register_at_fork(after_in_child=_after_fork)

_servers: dict[Path, EmbeddedServer] = {}


def server_of(data_dir: Path) -> EmbeddedServer:
    """This process's one handle on the server of a data directory."""
    return _servers.setdefault(data_dir, EmbeddedServer(data_dir))


def database_settings(data_dir: Path) -> dict[str, Any]:
    """An entry for Django's DATABASES. Starts nothing: the first connection does."""
    return {
        "ENGINE": "config.embedded.backend",
        "NAME": DATABASE,
        "USER": SUPERUSER,
        "HOST": str(Home(data_dir.absolute()).sockets),
        "PORT": str(PORT),
        "OPTIONS": {},
        "EMBEDDED_DATA_DIR": str(data_dir),
    }
