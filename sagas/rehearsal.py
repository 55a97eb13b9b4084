"""Replays a saga from its ledger without running anything: does the code still make the same calls (R10, R12)?"""

import time
from typing import Any, NoReturn
from uuid import UUID

from sagas import guard, ledger
from sagas.activation import Activation
from sagas.control import ActivationEnded, Suspended
from sagas.definition import find
from sagas.entries import ChainHead, EntryType
from sagas.journal import Journal
from sagas.ledger import Claimed
from sagas.models import Saga
from sagas.runtime import Runtime


class WouldWrite(ActivationEnded):
    """Replay has come to the end of what is recorded; this entry would be next."""

    def __init__(self, type: EntryType, columns: dict[str, Any]) -> None:  # noqa: A002 - the column's name
        super().__init__(f"{type} {columns.get('step', '')} {columns.get('body', '')}")
        self.type = type
        self.body: str = columns.get("body", "{}")


class _RefusingJournal(Journal):
    def append(self, type: EntryType, **columns: Any) -> NoReturn:  # noqa: A002 - the column's name
        raise WouldWrite(type, columns)

    def _write(self, **_: Any) -> NoReturn:
        raise Suspended

    def run_local(self, body: Any) -> NoReturn:
        raise WouldWrite(EntryType.STEP_COMPLETED, {})


def _call_nobody(*_: Any) -> NoReturn:
    raise Suspended


def rehearse(saga_id: UUID, *, runtime: Runtime) -> WouldWrite | None:
    """The entry that the code would write next, or None if the saga would leave without one.

    For an ended saga that must be its last entry again; a `saga.parked` otherwise not in the ledger is a mismatch.
    """
    row = Saga.objects.get(id=saga_id)
    entries = ledger.load([saga_id])[saga_id]
    final = (EntryType.COMPLETED, EntryType.UNDONE)
    known = [entry for entry in entries if entry.type not in final]
    claimed = Claimed(row.id, row.definition, row.version, UUID(int=0), 0, row.head_seq, b"", False, 0)
    activation = Activation(
        runtime,
        claimed,
        definition=find(row.definition, row.version),
        entries=known,
        inbox=[],
        careful=False,
        leased_at=time.monotonic(),
    )
    activation.journal = _RefusingJournal(
        saga_id=saga_id,
        token=UUID(int=0),
        head=ChainHead(saga_id=saga_id, seq=known[-1].seq, hash=known[-1].hash),
        inbox_seq=0,
        flusher=runtime.flusher,
        actor=runtime.actor,
        careful=False,
        leased_at=time.monotonic(),
    )
    activation.call = _call_nobody  # type: ignore[assignment,method-assign]  # an open intent is not settled here
    try:
        with guard.scope(""):
            activation.run()
    except WouldWrite as would:
        return would
    except ActivationEnded:
        return None
    raise AssertionError("an activation always leaves by an ActivationEnded")
