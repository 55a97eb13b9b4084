"""Writes ledgers for tests as one writes them on paper: a line per entry, seconds from the start first."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from sagas.entries import ChainHead, Direction, Entry, EntryType

BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SAGA = UUID("01a1f851-f543-7521-91f9-5bd57dc7138c")


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


class Ledger:
    """A chain that grows by `add`; steps are named by their path, a number as the engine gives it."""

    def __init__(self) -> None:
        self._head = ChainHead(saga_id=SAGA)
        self.entries: list[Entry] = []
        self.add(0, EntryType.STARTED, actor="channel:tests")

    def add(
        self,
        seconds: float,
        type: EntryType,  # noqa: A002 - the column's name
        step: str = "",
        *,
        path: str = "0",
        attempt: int = 0,
        undo: bool = False,
        actor: str = "worker:a:1",
        **body: Any,
    ) -> "Ledger":
        direction = Direction.UNDO if undo else Direction.FORWARD
        place = {"path": path, "step": step} if step else {}
        entry = self._head.link(
            type,
            at=at(seconds),
            actor=actor,
            direction=direction,
            attempt=attempt,
            body=to_json(body).decode(),
            **place,
        )
        self.entries.append(entry)
        return self
