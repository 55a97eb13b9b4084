"""Which calls a killed worker left open, and who took each of them on, when, and how it was settled: all by the ledger.

Times are the database's clock, which also stamps the ledger's entries.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final
from uuid import UUID

from django.db import connection

from sagas.entries import EntryType

# The last entry of a saga under a live lease says that a call was begun, and by whom; no answer is recorded yet.
_OPEN_CALLS: Final = """
SELECT entry.actor, count(*)
  FROM sagas_saga saga JOIN sagas_ledgerentry entry ON entry.saga_id = saga.id AND entry.seq = saga.head_seq
 WHERE NOT saga.ended AND saga.lease_expires_at > clock_timestamp() AND entry.type = %(intended)s
 GROUP BY entry.actor
"""

_LEFT_OPEN: Final = """
SELECT saga.id, entry.seq
  FROM sagas_saga saga JOIN sagas_ledgerentry entry ON entry.saga_id = saga.id AND entry.seq = saga.head_seq
 WHERE NOT saga.ended AND entry.type = %(intended)s AND entry.actor = %(actor)s
 ORDER BY saga.id
"""

_NEXT_BY_OTHERS: Final = """
SELECT DISTINCT ON (entry.saga_id) entry.saga_id, entry.at, entry.actor, entry.type, entry.body
  FROM unnest(%(ids)s::uuid[], %(seqs)s::int[]) AS left_open (saga_id, seq)
  JOIN sagas_ledgerentry entry ON entry.saga_id = left_open.saga_id AND entry.seq > left_open.seq
 WHERE entry.actor <> %(actor)s
 ORDER BY entry.saga_id, entry.seq
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call to the rail whose worker died before it recorded an answer."""

    saga_id: UUID
    intent_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOn:
    """The first thing another worker wrote about it."""

    saga_id: UUID
    after: timedelta
    actor: str
    finding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A worker that was killed, when, and what it left open."""

    actor: str
    at: datetime
    left_open: Sequence[OpenCall]

    def taken_on(self) -> list[TakenOn]:
        """Those of its calls that another worker has taken on so far."""
        with connection.cursor() as cursor:
            cursor.execute(
                _NEXT_BY_OTHERS,
                {
                    "ids": [call.saga_id for call in self.left_open],
                    "seqs": [call.intent_seq for call in self.left_open],
                    "actor": self.actor,
                },
            )
            rows = cursor.fetchall()
        return [
            TakenOn(saga_id=saga_id, after=at - self.at, actor=actor, finding=_finding(kind, body))
            for saga_id, at, actor, kind, body in rows
        ]


def database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def open_calls() -> dict[str, int]:
    """How many calls each worker has under way, by the worker's name in the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_CALLS, {"intended": EntryType.CALL_INTENDED})
        return dict(cursor.fetchall())


def left_open_by(actor: str) -> list[OpenCall]:
    """The calls that this worker, which must be dead, began and did not record an answer to."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_OPEN, {"intended": EntryType.CALL_INTENDED, "actor": actor})
        return [OpenCall(saga_id=saga_id, intent_seq=seq) for saga_id, seq in cursor.fetchall()]


def summary(taken: Sequence[TakenOn]) -> str:
    """Median and longest time to recovery."""
    seconds = [found.after.total_seconds() for found in taken]
    return f"median {median(seconds):.1f} s, max {max(seconds):.1f} s" if seconds else "nothing to recover"


def _finding(kind: str, body: str) -> str:
    if json.loads(body).get("settled_by") == "inquiry":
        if kind == EntryType.CALL_COMPLETED:
            return "the rail had carried it out: not sent again"
        return "the rail had refused it"
    if kind == EntryType.CALL_INTENDED:
        return "the rail did not know it: sent again under the same key"
    if kind == EntryType.CALL_UNKNOWN:
        return "the rail had not decided: it is asked again"
    return str(kind)
