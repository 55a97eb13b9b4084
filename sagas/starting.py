"""Starts sagas: once per idempotency key, in one transaction with the caller's rows (R1–R3)."""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection, transaction

from sagas import hints, statements
from sagas.clock import clock
from sagas.connections import engine_cursor
from sagas.counts import counts
from sagas.definition import find, newest
from sagas.entries import ChainHead, EntryType
from sagas.errors import IdempotencyConflict
from sagas.failpoints import reach
from sagas.ids import uuid7_at
from sagas.models import Priority

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Started:
    """A saga, started now (`created`) or by an earlier request with the same key."""

    saga_id: UUID
    created: bool


def start(
    definition: str,
    payload: Any,
    *,
    channel: str,
    idempotency_key: str,
    request: Mapping[str, Any] | None = None,
    business_key: str = "",
    version: int | None = None,
    priority: Priority = Priority.NORMAL,
) -> Started:
    """Start a saga, once per (channel, definition, idempotency key).

    Durable when the caller's transaction commits, together with the caller's rows; without one, on return. Of callers
    that race with one key, the losers wait for the winner and get its saga with `created=False`.

    `request` is what the key stands for (the body as the channel sent it; key order is irrelevant), by default the
    payload: only a salted digest of it is kept. `business_key` (a UETR, say) is unique per definition.

    Raises IdempotencyConflict if the key, or the business key, was used for another request; PayloadRefused;
    UnknownDefinition; ValueError for a key that is empty or longer than 255 characters. Nothing is stored then.
    """
    if not 1 <= len(idempotency_key) <= LONGEST_KEY:
        raise ValueError(f"idempotency_key: {len(idempotency_key)} characters, allowed are 1 to {LONGEST_KEY}")
    found = newest(definition) if version is None else find(definition, version)
    text, _ = found.input.copy(payload)
    canonical = _canonical(request if request is not None else text)
    salt = os.urandom(16)
    at = clock.now()
    head = ChainHead(saga_id=uuid7_at(at))
    body = json.dumps({"definition": found.name, "version": found.version, "channel": channel, "key": idempotency_key})
    entry = head.link(EntryType.STARTED, at=at, actor=f"channel:{channel}", body=f'{body[:-1]},"input":{text}}}')
    parameters = {
        "channel": channel,
        "definition": found.name,
        "key": idempotency_key,
        "key_salt": salt,
        "fingerprint": _fingerprint(salt, canonical),
        "id": head.saga_id,
        "version": found.version,
        "queue": found.queue,
        "priority": int(priority),
        "business_key": business_key,
        "at": at,
        "type": str(entry.type),
        "body": entry.body,
        "salt": entry.salt,
        "prev_hash": entry.prev_hash,
        "hash": entry.hash,
        "actor": entry.actor,
    }
    with transaction.atomic():
        with engine_cursor() as cursor:
            row = _insert(cursor, parameters)
            counts.add(statements=1, commits=int(len(connection.savepoint_ids) == 0))
            if row is not None:
                reach("start.written")
                hints.after_commit(found.queue)
                return Started(head.saga_id, created=True)
            winner = cursor.execute(statements.WINNER, parameters).fetchone()
            counts.add(statements=1)
        assert winner is not None  # noqa: S101 - keys are never deleted, so what was in the way is there
        if not hmac.compare_digest(winner[2], _fingerprint(winner[1], canonical)):
            raise IdempotencyConflict(
                f"idempotency key {idempotency_key!r} of {channel} was used for another request to {definition}; that "
                "one stands, nothing was started. Use a new key for a new request."
            )
        return Started(winner[0], created=False)


def _insert(cursor: psycopg.Cursor[tuple[Any, ...]], parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    try:
        with transaction.atomic():
            return cursor.execute(statements.START, parameters).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise IdempotencyConflict(
            f"a {parameters['definition']} for {parameters['business_key']!r} exists already, started under another "
            "idempotency key; nothing was started."
        ) from error


def _canonical(request: Mapping[str, Any] | str) -> bytes:
    plain = json.loads(request) if isinstance(request, str) else request
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()


def _fingerprint(salt: bytes, canonical: bytes) -> bytes:
    """Salted, because a request quotes personal data whose plain hash could be guessed."""
    return hashlib.sha256(salt + canonical).digest()
