"""How far a set of sagas is, and what is stuck when it stays there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Count

from sagas.models import SagaStatus, Status

_STUCK: Final = """
SELECT status.saga_id, status.status, status.reason, entry.type, entry.step, entry.attempt,
       extract(epoch FROM clock_timestamp() - entry.at), extract(epoch FROM saga.wake_at - clock_timestamp())
  FROM sagas_sagastatus status
  JOIN sagas_saga saga ON saga.id = status.saga_id
  JOIN sagas_ledgerentry entry ON entry.saga_id = saga.id AND entry.seq = saga.head_seq
 WHERE status.ended_at IS NULL AND (%(ids)s::uuid[] IS NULL OR saga.id = ANY(%(ids)s::uuid[]))
 ORDER BY entry.at LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How many sagas are in which phase."""

    completed: int
    undone: int
    parked: int
    under_way: int

    @property
    def ended(self) -> int:
        return self.completed + self.undone

    @property
    def total(self) -> int:
        return self.ended + self.parked + self.under_way

    def __str__(self) -> str:
        parked = f", {self.parked} parked" if self.parked else ""
        return f"{self.completed} settled, {self.undone} undone{parked}"


def standing(ids: Sequence[UUID] | None = None) -> Standing:
    """Of these sagas, or of all."""
    sagas = SagaStatus.objects.all() if ids is None else SagaStatus.objects.filter(saga_id__in=ids)
    counts: dict[str, int] = dict(sagas.values_list("status").annotate(Count("saga_id")).order_by())
    return Standing(
        completed=counts.get(Status.COMPLETED, 0),
        undone=counts.get(Status.UNDONE, 0),
        parked=counts.get(Status.PARKED, 0),
        under_way=counts.get(Status.RUNNING, 0) + counts.get(Status.UNDOING, 0),
    )


def stuck(ids: Sequence[UUID] | None = None, *, limit: int = 5) -> list[str]:
    """Sagas that have not ended, the one without news for the longest time first: a line each."""
    with connection.cursor() as cursor:
        cursor.execute(_STUCK, {"ids": None if ids is None else list(ids), "limit": limit})
        rows = cursor.fetchall()
    return [
        f"{saga_id} is {status}: {kind} {step} (attempt {attempt}) {age:.0f} s ago, "
        + (f"due in {due:.0f} s" if due is not None else "not due by itself")
        + (f"; {reason}" if reason else "")
        for saga_id, status, reason, kind, step, attempt, age, due in rows
    ]
