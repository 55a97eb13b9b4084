"""Where a saga stands, in words for somebody who was just woken up."""

from datetime import datetime, timedelta

from sagas.console.durations import in_words
from sagas.console.stretches import Recorded, next_try
from sagas.entries import Direction, EntryType
from sagas.models import SagaStatus, Status

HEADLINES = {
    Status.RUNNING: "On its way; it needs nobody.",
    Status.UNDOING: "It was refused, and its steps are being taken back, the last first.",
    Status.PARKED: "Nothing more happens until a person decides.",
    Status.COMPLETED: "Every step is done.",
    Status.UNDONE: "It was refused, and everything that had been done was taken back.",
}


def headline(status: SagaStatus) -> str:
    return HEADLINES[Status(status.status)]


def is_overdue(status: SagaStatus, *, now: datetime) -> bool:
    """A person should have looked at it by now."""
    due = status.parked_due_at
    return status.status == Status.PARKED and due is not None and due < now


def age(status: SagaStatus, *, now: datetime) -> timedelta:
    """From the start to the end, or to now."""
    return (status.ended_at or now) - status.started_at


def next_wake(status: SagaStatus, *, now: datetime) -> str:
    """When a worker looks at it next, in a few words; nothing if none will."""
    saga = status.saga
    if saga.ended or status.status == Status.PARKED:
        return ""
    if saga.lease_token is not None and saga.lease_expires_at is not None:
        if saga.lease_expires_at >= now:
            return "a worker is on it"
        return f"its worker fell silent {in_words(now - saga.lease_expires_at)} ago"
    if saga.wake_at is None:
        return "when it is told something"
    if saga.wake_at <= now:
        return f"due for {in_words(now - saga.wake_at)}, waits for a worker"
    return f"in {in_words(saga.wake_at - now)}"


def waits_for(status: SagaStatus, last: Recorded, *, now: datetime) -> str:
    """What has to happen before it goes on; nothing if it has ended."""
    if status.saga.ended:
        return ""
    if status.status == Status.PARKED:
        return f"a decision of {status.parked_owner}"
    step = f"undo step {last.step}" if last.direction == Direction.UNDO and last.step else last.step
    due = next_try(last)
    until = f", at {due:%Y-%m-%d %H:%M:%S} UTC" if due else ""
    match last.type:
        case EntryType.CALL_INTENDED:
            return f"the answer to {step}, attempt {last.attempt}, called {in_words(now - last.at)} ago"
        case EntryType.CALL_UNKNOWN:
            return f"word of {step}: whether it happened is unknown; the provider is asked again{until}"
        case EntryType.CALL_FAILED | EntryType.STEP_FAILED:
            return f"the next try of {step} (attempt {last.attempt + 1}){until}"
    return "a worker"
