"""Where the demo keeps its things: under the data directory, beside the embedded PostgreSQL."""

import os
from pathlib import Path

from config.env import DATA_DIR, ROOT

DIRECTORY = DATA_DIR / "demo"
LOGS = DIRECTORY / "logs"


def shown(path: Path) -> str:
    """A path as short as it can be said: relative to where the user is, if it is below."""
    for base in (Path.cwd(), ROOT):
        if path.is_relative_to(base):
            return str(path.relative_to(base))
    return str(path)


def private_write(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
