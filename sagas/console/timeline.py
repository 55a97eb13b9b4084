"""A saga's ledger as people read it: a row per step, what happened to the saga, who ran it. Pure: entries in, rows out.

A remote step's bar reaches from its intent to its outcome. A local step has one entry, written by its own commit, so it
is a moment. An outcome that was lost is shown as unknown until it was settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sagas.console.stretches import Kind, Recorded, Stretch, next_try, plain_body, stretches
from sagas.entries import Direction, EntryType

_ENDS = (EntryType.COMPLETED, EntryType.UNDONE)
_MARKS = {
    EntryType.STARTED: "started",
    EntryType.UNDO_BEGUN: "undoing begins",
    EntryType.PARKED: "parked",
    EntryType.RESUMED: "resumed",
    EntryType.COMPLETED: "completed",
    EntryType.UNDONE: "undone",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One call of a step. Without stretches it is still to come."""

    direction: Direction
    path: str
    step: str
    is_remote: bool
    is_pivot: bool
    attempts: int
    outcome: Kind
    words: str
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened to the saga as a whole."""

    at: datetime
    label: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Consecutive entries of one worker process. `recovers`: the one before left a call without an outcome."""

    worker: int
    actor: str
    begins_at: datetime
    ends_at: datetime
    recovers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Everything that is drawn; `now` is inside it unless the saga has ended."""

    begins_at: datetime
    ends_at: datetime
    now: datetime
    ended: bool
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...]
    shifts: tuple[Shift, ...]
    parked: tuple[tuple[datetime, datetime], ...]

    def lane(self, direction: Direction) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.direction == direction)

    @property
    def recoveries(self) -> int:
        """How often a worker went on from where another one had fallen silent in mid-call."""
        return sum(shift.recovers for shift in self.shifts)


def timeline_of(entries: Sequence[Recorded], *, now: datetime) -> Timeline:
    """The timeline of a saga, or of a part of it, from its entries in order (at least one)."""
    last = entries[-1]
    ended = last.type in _ENDS
    until = last.at if ended else max(now, last.at)
    rows = _rows(entries, now=until)
    ends = [bar.ends_at for row in rows for bar in row.stretches]
    return Timeline(
        begins_at=entries[0].at,
        ends_at=max([until, *ends]),
        now=until,
        ended=ended,
        rows=rows,
        marks=_marks(entries),
        shifts=_shifts(entries),
        parked=_parked(entries, until),
    )


def _rows(entries: Sequence[Recorded], *, now: datetime) -> tuple[Row, ...]:
    calls: dict[tuple[str, str], list[Recorded]] = {}
    to_undo: list[str] = []
    for entry in entries:
        if entry.type == EntryType.UNDO_BEGUN:
            to_undo = list(plain_body(entry).get("steps", []))
        if entry.step:
            calls.setdefault((entry.direction, entry.path), []).append(entry)
    # What the last entry of all announces is still to come; after a park, nothing comes by itself.
    rows = [_row(records, now=now, goes_on=records[-1] is entries[-1]) for records in calls.values()]
    done = sum(row.direction == Direction.UNDO for row in rows)
    rows += [_to_come(step) for step in to_undo[done:]]
    return tuple(sorted(rows, key=lambda row: row.direction == Direction.UNDO))


def _row(records: Sequence[Recorded], *, now: datetime, goes_on: bool) -> Row:
    first, last = records[0], records[-1]
    outcome, words = _outcome(last, goes_on=goes_on)
    return Row(
        direction=Direction(first.direction),
        path=first.path,
        step=first.step,
        is_remote=first.type.startswith("call."),
        is_pivot=bool(plain_body(first).get("pivot")),
        attempts=last.attempt,
        outcome=outcome,
        words=words,
        stretches=stretches(records, now=now),
    )


def _to_come(step: str) -> Row:
    return Row(
        direction=Direction.UNDO,
        path="",
        step=step,
        is_remote=False,
        is_pivot=False,
        attempts=0,
        outcome=Kind.WAIT,
        words="still to come",
        stretches=(),
    )


def _outcome(last: Recorded, *, goes_on: bool) -> tuple[Kind, str]:
    body = plain_body(last)
    tried = f" at attempt {last.attempt}" if last.attempt > 1 else ""
    again = next_try(last) if goes_on else None
    found_out = ", found out by asking" if "settled_by" in body else ""
    match last.type:
        case EntryType.CALL_COMPLETED | EntryType.STEP_COMPLETED:
            return Kind.DONE, f"done{tried}{found_out}"
        case EntryType.CALL_REJECTED | EntryType.STEP_REJECTED:
            return Kind.REFUSED, f"refused: {body.get('code', '')}{tried}{found_out}"
        case EntryType.CALL_UNKNOWN:
            return Kind.UNKNOWN, "outcome unknown" + (f", asked again at {again:%H:%M:%S}" if again else "")
        case EntryType.CALL_INTENDED:
            return Kind.OPEN, f"no answer yet{tried}"
    if again:
        return Kind.WAIT, f"tried again at {again:%H:%M:%S}"
    return Kind.FAILED, f"given up after {last.attempt} attempts"


def _marks(entries: Sequence[Recorded]) -> tuple[Mark, ...]:
    return tuple(
        Mark(at=entry.at, label=_MARKS[EntryType(entry.type)], seq=entry.seq)
        for entry in entries
        if entry.type in _MARKS
    )


def _shifts(entries: Sequence[Recorded]) -> tuple[Shift, ...]:
    shifts: list[Shift] = []
    numbers: dict[str, int] = {}
    before: Recorded | None = None
    for entry in entries:
        if entry.actor.startswith("worker:"):
            number = numbers.setdefault(entry.actor, len(numbers) + 1)
            same = bool(shifts) and shifts[-1].worker == number
            begun = shifts.pop() if same else None
            shifts.append(
                Shift(
                    worker=number,
                    actor=entry.actor,
                    begins_at=begun.begins_at if begun else entry.at,
                    ends_at=entry.at,
                    recovers=begun.recovers if begun else before is not None and before.type == EntryType.CALL_INTENDED,
                )
            )
        before = entry
    return tuple(shifts)


def _parked(entries: Sequence[Recorded], until: datetime) -> tuple[tuple[datetime, datetime], ...]:
    spans: list[tuple[datetime, datetime]] = []
    since: datetime | None = None
    for entry in entries:
        if entry.type == EntryType.PARKED:
            since = entry.at
        elif since is not None:
            spans.append((since, entry.at))
            since = None
    if since is not None:
        spans.append((since, until))
    return tuple(spans)
