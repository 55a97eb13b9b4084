"""Removing what root's servers leave outside their data directories once these are gone (see home.py).

A deleted clone or a test's temporary directory would otherwise keep its cluster, 40 MB and more, for ever.
"""

import tempfile
from pathlib import Path

from config.embedded.home import PERSISTENT_TEMP, SOCKETS, Home, homes_of_root
from config.embedded.postmaster import Postmaster
from config.locks import FileLock


def remove_orphans() -> list[Path]:
    """Stops and deletes the homes whose data directory no longer points to them; returns the data directories they had.

    A home in use is left alone, and so is one whose data directory may only be out of sight, on a disk that is not
    mounted.
    """
    removed = []
    for origin in homes_of_root().glob("*/origin"):
        home = Home(Path(origin.read_text(encoding="utf-8", errors="surrogateescape")))
        if home.path != origin.parent or home.is_linked() or not _is_surely_gone(home.data_dir):
            continue
        gate, users = FileLock(home.path / "gate.lock"), FileLock(home.path / "users.lock")
        try:
            if gate.try_exclusive() and users.try_exclusive():
                Postmaster(home, durable=False).stop(mode="immediate")
                home.delete()
                removed.append(home.data_dir)
        finally:
            users.release()
            gate.release()
    return removed


def _is_surely_gone(data_dir: Path) -> bool:
    temporary = {Path(tempfile.gettempdir()), SOCKETS, PERSISTENT_TEMP}
    return data_dir.parent.is_dir() or not temporary.isdisjoint(data_dir.parents)
