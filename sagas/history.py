"""A saga's ledger as replay reads it: by direction and path (R10)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sagas.entries import Direction, Entry, EntryType

#: Entries that are about the saga itself, not about a step.
_SAGA_LEVEL = (EntryType.STARTED, EntryType.UNDO_BEGUN, EntryType.PARKED, EntryType.RESUMED)


@dataclass(slots=True)
class History:
    """What is durable of one saga, indexed for replay. Reading a step's entries marks them as visited."""

    entries: Sequence[Entry]
    undo_begun: Entry | None = None
    resumed_seq: int = 0
    messages_recorded: int = 0
    parked: bool = False
    _by_path: dict[tuple[Direction, str], list[Entry]] = field(default_factory=dict)
    _unvisited: dict[str, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.entries:
            if entry.type == EntryType.UNDO_BEGUN:
                self.undo_begun = entry
            elif entry.type == EntryType.PARKED:
                self.parked = True
            elif entry.type == EntryType.RESUMED:
                self.parked = False
                self.resumed_seq = entry.seq
                self.messages_recorded = entry.plain()["message"]
            if entry.type not in _SAGA_LEVEL:
                self._by_path.setdefault((entry.direction, entry.path), []).append(entry)
                if entry.direction == Direction.FORWARD:
                    self._unvisited.setdefault(entry.path, entry)

    @property
    def started(self) -> Entry:
        return self.entries[0]

    def of(self, direction: Direction, path: str) -> list[Entry]:
        """The entries recorded for this call, oldest first; none if the call was never reached."""
        if direction == Direction.FORWARD:
            self._unvisited.pop(path, None)
        return self._by_path.get((direction, path), [])

    def next_unvisited(self) -> Entry | None:
        """The first recorded call that the code has not made again."""
        return next(iter(self._unvisited.values()), None)
