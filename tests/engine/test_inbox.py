"""Messages to a saga: never lost, counted once, and only the token's holder writes the ledger."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from sagas import RemoteCall, Retryable, ledger, operating
from sagas.errors import NotParked, SagaEnded
from sagas.models import InboxKind, InboxMessage, SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


def unreachable(call: RemoteCall) -> None:
    raise Retryable("no connection")


@pytest.fixture
def parked(begin: Begin, finish: Finish) -> UUID:
    world.provider.on_call = unreachable
    saga_id, _ = begin()
    assert finish(saga_id).status == "parked"
    world.provider.on_call = lambda call: None
    return saga_id


def test_r29_a_message_wakes_a_saga_that_nobody_holds(parked: UUID) -> None:
    assert sql("SELECT wake_at FROM sagas_saga") == [(None,)]
    operating.resume(parked, sender="tests", reason="the provider is back")
    assert sql("SELECT wake_at <= clock_timestamp(), inbox_seq FROM sagas_saga") == [(True, 1)]


def test_r29_a_message_leaves_the_wake_up_of_a_live_lease_alone(begin: Begin) -> None:
    saga_id, _ = begin()
    ledger.claim(queue="default", bands=[1], limit=1)
    operating.deliver(saga_id, kind=InboxKind.RESUME, sender="tests", body="{}")
    assert sql("SELECT wake_at = lease_expires_at, inbox_seq FROM sagas_saga") == [(True, 1)]


def test_r29_a_message_counts_once_however_often_it_is_sent(parked: UUID) -> None:
    first = operating.resume(parked, sender="tests", reason="once", dedupe_id="ticket 1")
    second = operating.deliver(parked, kind=InboxKind.RESUME, sender="tests", body="{}", dedupe_id="ticket 1")
    assert (first.repeated, second.repeated) == (False, True)
    assert InboxMessage.objects.count() == 1


def test_r30_a_message_that_races_with_parking_is_not_lost(
    begin: Begin, engine: Runner, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It arrives after the activation read its inbox and before the flush that parks: that flush must not pass."""
    raced = threading.Event()
    write = ledger.write

    def race(cursor: object, flushes: list[ledger.Flush], **options: Any) -> dict[UUID, int]:
        parking = [flush for flush in flushes if flush.status is not None and flush.status.status == "parked"]
        if parking and not raced.is_set():
            raced.set()
            operating.deliver(parking[0].saga_id, kind=InboxKind.RESUME, sender="tests", body='{"reason": "race"}')
            world.provider.on_call = lambda call: None
        return write(cursor, flushes, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger, "write", race)
    world.provider.on_call = unreachable
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert raced.is_set()
    assert types(saga_id).count("saga.resumed") == 1


def test_r30_a_pivots_intent_does_not_pass_a_message_that_has_just_arrived(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_of_events: list[str] = []
    write = ledger.write

    def race(cursor: object, flushes: list[ledger.Flush], **options: Any) -> dict[UUID, int]:
        intends = any(entry.type == "call.intended" for flush in flushes for entry in flush.entries)
        if intends and "message" not in order_of_events:
            order_of_events.append("message")
            sql("UPDATE sagas_saga SET inbox_seq = inbox_seq + 1")
        passed = write(cursor, flushes, **options)  # type: ignore[arg-type]
        if intends:
            order_of_events.append("passed" if passed else "refused")
        return passed

    monkeypatch.setattr(ledger, "write", race)
    saga_id, order = begin()
    assert finish(saga_id).status == "completed"
    assert order_of_events == ["message", "refused", "passed"]
    assert world.notes(order) == ["reserved", "posted"]


def test_r31_a_message_to_a_finished_saga_is_refused(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    finish(saga_id)
    with pytest.raises(SagaEnded, match="never reopens"):
        operating.resume(saga_id, sender="tests", reason="late")
    with pytest.raises(SagaEnded):
        operating.deliver(saga_id, kind=InboxKind.RESUME, sender="tests", body="{}")
    assert InboxMessage.objects.count() == 0


def test_r32_the_holder_records_a_message_with_its_sender_and_reason(parked: UUID, finish: Finish) -> None:
    operating.resume(parked, sender="operator:ada", reason="the provider is back")
    assert "saga.resumed" not in types(parked)
    finish(parked)
    resumed = next(entry for entry in ledger.load([parked])[parked] if entry.type == "saga.resumed")
    assert resumed.plain()["sender"] == "operator:ada"
    assert "the provider is back" in resumed.plain()["told"]
    assert resumed.actor.startswith("worker:")


def test_a_resumed_step_gets_fresh_attempts(parked: UUID, finish: Finish) -> None:
    operating.resume(parked, sender="tests", reason="the provider is back")
    assert finish(parked).status == "completed"
    assert list(world.provider.effects.values()) == [1]


def test_only_a_parked_saga_can_be_resumed_and_only_with_a_reason(begin: Begin, parked: UUID) -> None:
    running, _ = begin()
    with pytest.raises(NotParked, match="goes on by itself"):
        operating.resume(running, sender="tests", reason="impatience")
    with pytest.raises(ValueError, match="reason"):
        operating.resume(parked, sender="tests", reason=" ")
    with pytest.raises(LookupError):
        operating.resume(UUID(int=0), sender="tests", reason="none such")
