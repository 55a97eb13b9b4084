"""One step's entries as stretches of time: each attempt from its intent to its outcome, and the waits in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from pydantic_core import from_json

from sagas.entries import EntryType


class Recorded(Protocol):
    """What a timeline needs of an entry: `sagas.entries.Entry` and the model both have it."""

    @property
    def seq(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def direction(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def body(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...


class Kind(StrEnum):
    """What a stretch of time shows."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    #: An attempt whose answer was lost, or never recorded.
    UNKNOWN = "unknown"
    #: From a lost answer until somebody settles what became of it.
    UNSETTLED = "unsettled"
    #: An attempt that has no outcome yet.
    OPEN = "open"
    WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One bar of a step; `seq` is the entry it begins with. Without a length it is a moment: a local step."""

    kind: Kind
    begins_at: datetime
    ends_at: datetime
    seq: int
    label: str


def plain_body(entry: Recorded) -> dict[str, Any]:
    """The body's fields; none if it was purged."""
    return from_json(entry.body) if entry.body else {}


def next_try(entry: Recorded) -> datetime | None:
    """When the step is tried, or the provider asked, again; None if the entry says nothing of it."""
    text = plain_body(entry).get("next_at")
    return datetime.fromisoformat(text) if text else None


def stretches(entries: Sequence[Recorded], *, now: datetime) -> tuple[Stretch, ...]:
    """The bars of one call of a step, given its entries in order."""
    following = [*entries[1:], None]
    return tuple(bar for entry, after in zip(entries, following, strict=True) for bar in _bars(entry, after, now))


def _bars(entry: Recorded, after: Recorded | None, now: datetime) -> list[Stretch]:  # noqa: PLR0911 - one per type
    match entry.type:
        case EntryType.CALL_INTENDED:
            return [_attempt(entry, after, now)]
        case EntryType.CALL_UNKNOWN:
            label = f"outcome unknown: {_error(entry)}"
            return [_bar(entry, Kind.UNSETTLED, _end(entry, after, now), label)]
        case EntryType.CALL_FAILED:
            return _wait(entry, after, now)
        case EntryType.STEP_FAILED:
            failed = _bar(entry, Kind.FAILED, entry.at, f"attempt {entry.attempt} failed: {_error(entry)}")
            return [failed, *_wait(entry, after, now)]
        case EntryType.STEP_REJECTED:
            return [_bar(entry, Kind.REFUSED, entry.at, f"refused: {_refusal(entry)}")]
        case EntryType.STEP_COMPLETED:
            return [_bar(entry, Kind.DONE, entry.at, "done")]
        case _:  # the outcomes of calls: shown by the attempt that they end
            return []


def _attempt(entry: Recorded, after: Recorded | None, now: datetime) -> Stretch:
    number = f"attempt {entry.attempt}"
    if after is None:
        return _bar(entry, Kind.OPEN, max(now, entry.at), f"{number}: no answer is recorded yet")
    by_inquiry = "settled_by" in plain_body(after)
    match after.type:
        case EntryType.CALL_COMPLETED if not by_inquiry:
            return _bar(entry, Kind.DONE, after.at, f"{number}: done")
        case EntryType.CALL_REJECTED if not by_inquiry:
            return _bar(entry, Kind.REFUSED, after.at, f"{number}: refused, {_refusal(after)}")
        case EntryType.CALL_FAILED:
            return _bar(entry, Kind.FAILED, after.at, f"{number}: certainly not applied, {_error(after)}")
        case EntryType.CALL_UNKNOWN:
            return _bar(entry, Kind.UNKNOWN, after.at, f"{number}: outcome unknown, {_error(after)}")
    # The process ended between the call and the entry that would have said what became of it.
    return _bar(entry, Kind.UNKNOWN, after.at, f"{number}: no outcome was recorded; entry {after.seq} goes on from it")


def _wait(entry: Recorded, after: Recorded | None, now: datetime) -> list[Stretch]:
    due = next_try(entry)
    if due is None:
        return []  # the attempts are spent: the saga parks
    return [_bar(entry, Kind.WAIT, _end(entry, after, now), f"waits until {due:%H:%M:%S} after: {_error(entry)}")]


def _end(entry: Recorded, after: Recorded | None, now: datetime) -> datetime:
    """Until the step's next entry; if there is none, until the next try, or until now where that is overdue."""
    if after is not None:
        return after.at
    return max(now, entry.at, next_try(entry) or entry.at)


def _bar(entry: Recorded, kind: Kind, ends_at: datetime, label: str) -> Stretch:
    return Stretch(kind=kind, begins_at=entry.at, ends_at=ends_at, seq=entry.seq, label=label)


def _error(entry: Recorded) -> str:
    return str(plain_body(entry).get("error", "the reason was purged"))


def _refusal(entry: Recorded) -> str:
    body = plain_body(entry)
    return " ".join(str(body[field]) for field in ("code", "reason") if body.get(field)) or "the reason was purged"
