"""Django's secret key when the environment gives none: made once per data directory, never in the repository."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def local_secret_key(data_dir: Path) -> str:
    """The key kept in the data directory (mode 0600), made by whoever asks first; all processes get the same one.

    Where the directory cannot be written (a type checker that imports the settings in a read-only checkout, say), the
    key is a random one of this process: sessions signed with it end with the process.
    """
    path = data_dir / "secret_key"
    try:
        return _read(path) or _make(path)
    except OSError:
        return secrets.token_urlsafe(50)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(50))
        # A link appears whole or not at all, and never replaces: of two processes that race, both use the first key.
        with suppress(FileExistsError):
            os.link(draft, path)
        return path.read_text(encoding="ascii").strip()
    finally:
        draft.unlink()
