"""Removing a data directory: its server, wherever that keeps its data, and everything else in it."""

import shutil
from pathlib import Path

from config.embedded.home import Home
from config.embedded.server import EmbeddedServer, ServerUnavailable
from config.locks import FileLock

#: What a directory of ours has in it, as soon as anything was started there.
_OURS = ("postgres", "secret_key", "demo", "broker")


def places_of(data_dir: Path) -> list[Path]:
    """The directories that `remove` removes. Raises ServerUnavailable where that would hit somebody."""
    places = [place for place in (data_dir, Home(data_dir).path) if place.exists()]
    if data_dir.exists() and not any((data_dir / name).exists() for name in _OURS):
        raise ServerUnavailable(f"{data_dir} has nothing of ours in it. Nothing was removed.")
    lock = FileLock(data_dir / "demo" / "running.lock")
    if (data_dir / "demo" / "running.lock").exists():
        if not lock.try_exclusive():
            raise ServerUnavailable(f"A demo is running on {data_dir}: end it first (Ctrl-C). Nothing was removed.")
        lock.release()
    return places


def remove(data_dir: Path) -> None:
    """Stop the server at once, whoever uses it, and remove its data and the directory for good."""
    EmbeddedServer(data_dir).destroy()
    if data_dir.exists():
        shutil.rmtree(data_dir)
