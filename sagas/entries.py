"""A ledger entry: one event of one saga, made once, hashed into the saga's chain, never changed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from audit import chain


class EntryType(StrEnum):
    STARTED = "saga.started"
    STEP_COMPLETED = "step.completed"
    STEP_REJECTED = "step.rejected"
    STEP_FAILED = "step.failed"
    CALL_INTENDED = "call.intended"
    CALL_COMPLETED = "call.completed"
    CALL_REJECTED = "call.rejected"
    CALL_FAILED = "call.failed"
    CALL_UNKNOWN = "call.unknown"
    UNDO_BEGUN = "undo.begun"
    PARKED = "saga.parked"
    RESUMED = "saga.resumed"
    COMPLETED = "saga.completed"
    UNDONE = "saga.undone"


class Direction(StrEnum):
    FORWARD = "forward"
    UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the ledger. `body` is JSON text, hashed as it stands: it holds references, never personal data."""

    saga_id: UUID
    seq: int
    type: EntryType
    path: str
    step: str
    direction: Direction
    attempt: int
    idempotency_key: str
    body: str
    salt: bytes
    prev_hash: bytes
    hash: bytes
    at: datetime
    actor: str

    def recomputed_hash(self) -> bytes:
        """The hash that this entry's columns give now."""
        return chain.entry_hash(
            stream=self.saga_id,
            seq=self.seq,
            prev=self.prev_hash,
            facts=(self.type, self.path, self.step, self.direction, str(self.attempt), self.idempotency_key),
            at=self.at,
            actor=self.actor,
            salt=self.salt,
            body=self.body,
        )

    def plain(self) -> Any:
        """The body as plain JSON values."""
        return from_json(self.body)


@dataclass(slots=True, kw_only=True)
class ChainHead:
    """The end of a saga's chain, to which the next entry is linked."""

    saga_id: UUID
    seq: int = 0
    hash: bytes = chain.GENESIS

    def link(
        self,
        type: EntryType,  # noqa: A002 - the column's name
        *,
        at: datetime,
        actor: str,
        body: str = "{}",
        path: str = "",
        step: str = "",
        direction: Direction = Direction.FORWARD,
        attempt: int = 0,
        idempotency_key: str = "",
    ) -> Entry:
        """Make the next entry and move the head to it. Nothing is durable yet."""
        salt = chain.new_salt()
        facts = (type, path, step, direction, str(attempt), idempotency_key)
        seq, prev = self.seq + 1, self.hash
        digest = chain.entry_hash(
            stream=self.saga_id, seq=seq, prev=prev, facts=facts, at=at, actor=actor, salt=salt, body=body
        )
        self.seq, self.hash = seq, digest
        return Entry(
            saga_id=self.saga_id,
            seq=seq,
            type=type,
            path=path,
            step=step,
            direction=direction,
            attempt=attempt,
            idempotency_key=idempotency_key,
            body=body,
            salt=salt,
            prev_hash=prev,
            hash=digest,
            at=at,
            actor=actor,
        )
