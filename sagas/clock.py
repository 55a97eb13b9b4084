"""The database's clock, read without a round trip: its last answer plus the monotonic time since (R33).

A host whose own clock is wrong therefore writes right times. Only the database compares leases.
"""

import time
from datetime import datetime, timedelta

#: After this long without an answer the clock asks again: monotonic clocks drift, and stop while a machine sleeps.
_STALE_SECONDS = 60.0


class DatabaseClock:
    def __init__(self) -> None:
        self._seen: tuple[datetime, float] | None = None

    def observe(self, answered_at: datetime) -> None:
        """Take over the time that the database has just told."""
        self._seen = (answered_at, time.monotonic())

    def now(self) -> datetime:
        """The database's time, aware, to the microsecond; asks it only when no recent answer is known."""
        seen = self._seen
        if seen is None or time.monotonic() - seen[1] > _STALE_SECONDS:
            seen = self._ask()
        return seen[0] + timedelta(seconds=time.monotonic() - seen[1])

    def _ask(self) -> tuple[datetime, float]:
        from sagas.connections import engine_cursor

        with engine_cursor() as cursor:
            row = cursor.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None  # noqa: S101 - a SELECT of one value has a row
        self._seen = (row[0], time.monotonic())
        return self._seen


clock = DatabaseClock()
