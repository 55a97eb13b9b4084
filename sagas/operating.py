"""What operators do to a saga. They never write its ledger: they leave a message, and the token's holder records it
(R29, R32)."""

import json
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db import transaction

from sagas import hints, statements
from sagas.connections import engine_cursor
from sagas.errors import NotParked, SagaEnded
from sagas.models import InboxKind, InboxMessage, SagaStatus, Status


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message in a saga's inbox; `repeated` if it was there already."""

    seq: int
    repeated: bool = False


def resume(saga_id: UUID, *, sender: str, reason: str, dedupe_id: str = "") -> Delivered:
    """Let a parked saga go on from where it stands: a step that was spent gets fresh attempts, an unknown outcome a
    fresh inquiry. It forces nothing and moves no money by itself.

    `reason` is for the audit trail and mandatory. Durable on return. Raises NotParked, SagaEnded, LookupError.
    """
    if not reason.strip():
        raise ValueError("reason: say why the saga may go on; it becomes part of its ledger")
    status = SagaStatus.objects.filter(saga_id=saga_id).values_list("status", flat=True).first()
    if status is None:
        raise LookupError(f"there is no saga {saga_id}")
    if status in (Status.COMPLETED, Status.UNDONE):
        raise SagaEnded(f"saga {saga_id} has ended ({status}); it never reopens")
    if status != Status.PARKED:
        raise NotParked(f"saga {saga_id} is {status}, not parked: it goes on by itself")
    body = json.dumps({"reason": reason})
    return deliver(saga_id, kind=InboxKind.RESUME, sender=sender, body=body, dedupe_id=dedupe_id)


def deliver(saga_id: UUID, *, kind: InboxKind, sender: str, body: str, dedupe_id: str = "") -> Delivered:
    """Put a message into a saga's inbox and wake the saga, in one transaction; the same `dedupe_id` counts once.

    Durable when the caller's transaction commits. Raises SagaEnded: a message to a finished saga is never dropped in
    silence (R31).
    """
    dedupe_id = dedupe_id or str(uuid4())
    with transaction.atomic(), engine_cursor() as cursor:
        knocked = cursor.execute(statements.KNOCK, {"id": saga_id}).fetchone()
        if knocked is None:
            raise SagaEnded(f"saga {saga_id} has ended or does not exist; the message was not delivered")
        # Looked up behind the row lock of the knock: whoever sent it first has committed.
        first = InboxMessage.objects.filter(saga_id=saga_id, kind=kind, dedupe_id=dedupe_id).first()
        if first is not None:
            # The knock stays: the saga is woken once for nothing, which is cheaper than a rollback of the caller's.
            return Delivered(first.seq, repeated=True)
        seq, queue = knocked
        parameters = {"id": saga_id, "seq": seq, "kind": kind, "dedupe_id": dedupe_id, "sender": sender, "body": body}
        cursor.execute(statements.DELIVER, parameters)
        hints.after_commit(queue)
    return Delivered(seq)
