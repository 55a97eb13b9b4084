"""Reads and writes of the ledger: typed functions over `sagas/statements.py`. Nothing else writes the engine's rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings

from sagas import statements
from sagas.clock import clock
from sagas.connections import engine_cursor
from sagas.counts import counts
from sagas.entries import Direction, Entry, EntryType

Cursor = psycopg.Cursor[tuple[Any, ...]]


def lease() -> timedelta:
    """How long a claim lasts without an extension."""
    value: timedelta = settings.SAGAS["LEASE"]
    return value


@dataclass(frozen=True, slots=True)
class Claimed:
    """A saga that this worker holds until its lease ends. `abandoned`: its last holder fell silent."""

    id: UUID
    definition: str
    version: int
    token: UUID
    inbox_seq: int
    head_seq: int
    head_hash: bytes
    abandoned: bool
    starts: int


@dataclass(frozen=True, slots=True)
class InboxRow:
    """What somebody told a saga."""

    seq: int
    kind: str
    sender: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """What people see of a saga from now on."""

    status: str
    reason: str | None = None
    owner: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """One saga's part of a flush. `leaves` releases the lease and sets `wake_at`; `seen` demands that nothing newer
    than this is in the inbox (R30)."""

    saga_id: UUID
    token: UUID
    entries: Sequence[Entry]
    head_seq: int
    head_hash: bytes
    at: datetime
    seen: int | None = None
    leaves: bool = False
    wake_at: datetime | None = None
    ended: bool = False
    progress: bool = False
    extend: bool = False
    status: StatusChange | None = None


def claim(*, queue: str, bands: Sequence[int], limit: int) -> list[Claimed]:
    """Take up to `limit` due sagas of a queue. Durable on return: they are ours for one lease."""
    with engine_cursor() as cursor:
        rows = cursor.execute(
            statements.CLAIM, {"queue": queue, "bands": list(bands), "limit": limit, "lease": lease()}
        ).fetchall()
    counts.add(statements=1, commits=1)
    for row in rows[:1]:
        clock.observe(row[9])
    return [Claimed(*row[:9]) for row in rows]


def load(ids: Iterable[UUID]) -> dict[UUID, list[Entry]]:
    """The ledgers of these sagas, in order; without those that hold an entry of a type that only newer code knows."""
    found: dict[UUID, list[Entry]] = {}
    unreadable: set[UUID] = set()
    with engine_cursor() as cursor:
        for row in cursor.execute(statements.LOAD, {"ids": list(ids)}):
            try:
                found.setdefault(row[0], []).append(_entry(row))
            except ValueError:
                unreadable.add(row[0])
    counts.add(statements=1)
    return {saga_id: entries for saga_id, entries in found.items() if saga_id not in unreadable}


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(
        saga_id=row[0],
        seq=row[1],
        type=EntryType(row[2]),
        path=row[3],
        step=row[4],
        direction=Direction(row[5]),
        attempt=row[6],
        idempotency_key=row[7],
        body=row[8],
        salt=row[9],
        prev_hash=row[10],
        hash=row[11],
        at=row[12],
        actor=row[13],
    )


def inbox(ids: Iterable[UUID]) -> dict[UUID, list[InboxRow]]:
    """What these sagas were told, in order of arrival."""
    found: dict[UUID, list[InboxRow]] = {}
    with engine_cursor() as cursor:
        for saga_id, *row in cursor.execute(statements.INBOX, {"ids": list(ids)}):
            found.setdefault(saga_id, []).append(InboxRow(*row))
    counts.add(statements=1)
    return found


def count_start(saga_id: UUID, token: UUID) -> int | None:
    """Count the start of an activation that follows a crash; None if the token is lost. Durable on return."""
    with engine_cursor() as cursor:
        row = cursor.execute(statements.COUNT_START, {"id": saga_id, "token": token}).fetchone()
    counts.add(statements=1, commits=1)
    return row[0] if row else None


def fence(cursor: Cursor, saga_id: UUID, token: UUID) -> int | None:
    """Lock the saga's row in the open transaction; the inbox's number, or None if the token is lost."""
    row = cursor.execute(statements.FENCE, {"id": saga_id, "token": token}).fetchone()
    counts.add(statements=1)
    if row is None:
        return None
    clock.observe(row[1])
    inbox_seq: int = row[0]
    return inbox_seq


def write(cursor: Cursor, flushes: Sequence[Flush], *, wait: bool = True) -> dict[UUID, int]:
    """Write these sagas' entries in one statement; returns the inbox number of each saga that passed its fence.

    Without `wait` a saga whose row is locked by somebody does not pass: it must not hold up the others.
    """
    counts.add(statements=1, flushes=len(flushes))
    statement = statements.FLUSH if wait else statements.FLUSH_PAST_LOCKS
    rows = cursor.execute(statement, _parameters(flushes)).fetchall()
    for row in rows[:1]:
        clock.observe(row[2])
    return {row[0]: row[1] for row in rows}


def holds(saga_id: UUID, token: UUID) -> int | None:
    """The inbox's number if the token still holds the saga, else None."""
    with engine_cursor() as cursor:
        row = cursor.execute(statements.HOLDS, {"id": saga_id, "token": token}).fetchone()
    counts.add(statements=1)
    return row[0] if row else None


def extend(saga_id: UUID, token: UUID) -> bool:
    """Start the lease afresh; False if the token is lost. Durable on return."""
    with engine_cursor() as cursor:
        row = cursor.execute(statements.EXTEND, {"id": saga_id, "token": token, "lease": lease()}).fetchone()
    counts.add(statements=1, commits=1)
    if row is not None:
        clock.observe(row[0])
    return row is not None


def release(saga_id: UUID, token: UUID, *, delay: timedelta = timedelta(0), uncount: bool = False) -> bool:
    """Give the saga back, due after `delay`, if the token still holds it. `uncount` takes back a counted start."""
    with engine_cursor() as cursor:
        cursor.execute(statements.RELEASE, {"id": saga_id, "token": token, "delay": delay, "uncount": int(uncount)})
        released = cursor.rowcount == 1
    counts.add(statements=1, commits=1)
    return released


def give_back_abandoned(saga_id: UUID, token: UUID) -> None:
    """Let the lease end now, without a trace of a graceful end. Durable on return."""
    with engine_cursor() as cursor:
        cursor.execute(statements.GIVE_BACK_ABANDONED, {"id": saga_id, "token": token})
    counts.add(statements=1, commits=1)


def _parameters(flushes: Sequence[Flush]) -> dict[str, Any]:
    entries = [entry for flush in flushes for entry in flush.entries]
    statuses = [flush.status for flush in flushes]
    return {
        "lease": lease(),
        "id": [f.saga_id for f in flushes],
        "token": [f.token for f in flushes],
        "head_seq": [f.head_seq for f in flushes],
        "head_hash": [f.head_hash for f in flushes],
        "seen": [f.seen for f in flushes],
        "leaves": [f.leaves for f in flushes],
        "wake_at": [f.wake_at for f in flushes],
        "ended": [f.ended for f in flushes],
        "progress": [f.progress for f in flushes],
        "extend": [f.extend for f in flushes],
        "at": [f.at for f in flushes],
        "status": [s.status if s else None for s in statuses],
        # PostgreSQL's text cannot hold NUL, which a provider's words may.
        "reason": [s.reason.replace("\0", "\ufffd") if s and s.reason is not None else None for s in statuses],
        "owner": [s.owner if s else None for s in statuses],
        "due_at": [s.due_at if s else None for s in statuses],
        "e_saga_id": [e.saga_id for e in entries],
        "e_seq": [e.seq for e in entries],
        "e_type": [str(e.type) for e in entries],
        "e_path": [e.path for e in entries],
        "e_step": [e.step for e in entries],
        "e_direction": [str(e.direction) for e in entries],
        "e_attempt": [e.attempt for e in entries],
        "e_key": [e.idempotency_key for e in entries],
        "e_body": [e.body for e in entries],
        "e_salt": [e.salt for e in entries],
        "e_prev_hash": [e.prev_hash for e in entries],
        "e_hash": [e.hash for e in entries],
        "e_at": [e.at for e in entries],
        "e_actor": [e.actor for e in entries],
    }
