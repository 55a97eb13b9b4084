"""What the engine cost: statements, commits and flushes of this process, counted where they are sent (R20)."""

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    statements: int = 0
    commits: int = 0
    flushes: int = 0


class Counts:
    """Thread-safe counters; `snapshot` before and after, and subtract."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cost = Cost()

    def add(self, *, statements: int = 0, commits: int = 0, flushes: int = 0) -> None:
        with self._lock:
            self._cost = Cost(
                self._cost.statements + statements, self._cost.commits + commits, self._cost.flushes + flushes
            )

    def snapshot(self) -> Cost:
        return self._cost


counts = Counts()
