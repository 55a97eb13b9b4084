"""UUIDv7 (RFC 9562): time-ordered ids made in Python from the database's time, so that partitions by id are partitions
by time."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def uuid7_at(at: datetime) -> UUID:
    """A new UUIDv7 whose timestamp is `at` (aware)."""
    milliseconds = (at - _EPOCH) // _MILLISECOND
    noise = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80 | noise
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return UUID(int=value)


def uuid7() -> UUID:
    """A new UUIDv7 by the database's clock."""
    from sagas.clock import clock

    return uuid7_at(clock.now())
