"""An append-only file of JSON lines that survives being killed at any byte."""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class JournalBusy(Exception):
    """Another process writes this journal: give the second program a directory of its own."""


class JournalDamaged(Exception):
    """A line before the last cannot be read: that is no torn write, so nothing is guessed and nothing is started."""


class Journal:
    """Lines that were appended are there after the process was killed; after a power cut only with `fsync`.

    Not thread-safe: the book that owns it has the lock.
    """

    def __init__(self, *, path: Path, fsync: bool = False) -> None:
        self.path = path
        self._fsync = fsync
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise JournalBusy(f"{path} is in use by another process: stop it, or choose another --book") from None

    def replay(self) -> Iterator[dict[str, Any]]:
        """Every line that was written whole; a torn last line is cut off, for nobody was given an answer on it."""
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        whole = 0
        for number, line in enumerate(lines, start=1):
            entry = _parsed(line)
            if entry is None:
                if number < len(lines):
                    raise JournalDamaged(f"{self.path}, line {number}: not a JSON object; restore it or start empty")
                break
            yield entry
            whole += len(line)
        self._file.truncate(whole)

    def append(self, entry: dict[str, Any]) -> None:
        """Returns when the line would survive the death of this process (and of the host, with `fsync`)."""
        self._file.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        if self._fsync:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def _parsed(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
