"""An unknown outcome is not a failure: it is settled by asking, never by a guess, and never undone while unknown."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from sagas import (
    OutcomeUnknown,
    Refused,
    Rejected,
    RemoteCall,
    Retryable,
    RetryPolicy,
    Saga,
    StillPending,
    ledger,
    operating,
    remote_step,
    saga,
)
from sagas.models import SagaStatus
from tests.engine import world
from tests.engine.conftest import elsewhere, sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


def fail(*, on_attempts: range = range(1, 2), error: type[Exception] = ConnectionResetError) -> Callable[..., None]:
    def failing(call: RemoteCall) -> None:
        if call.attempt in on_attempts:
            raise error

    return failing


def lose_lease() -> None:
    elsewhere("UPDATE sagas_saga SET lease_token = NULL, lease_expires_at = NULL, wake_at = now()")


@remote_step(retry=world.QUICKLY, inquiry_schedule=world.ASK_QUICKLY)
def send_without_key(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@remote_step(retry=world.QUICKLY, inquiry_schedule=world.ASK_QUICKLY, key_valid_for=timedelta(days=1))
def send_without_inquiry(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@remote_step(
    retry=RetryPolicy(first=world.SOON, cap=world.SOON, max_attempts=4),
    inquiry=world.ask,
    inquiry_schedule=world.ASK_QUICKLY,
    key_valid_for=timedelta(0),
)
def send_with_expired_key(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@saga("tests.no_key", version=1)
def no_key(s: Saga, order: world.Order) -> str:
    """Its provider honours no key and answers no inquiry."""
    return s.run(send_without_key, order)


@saga("tests.no_inquiry", version=1)
def no_inquiry(s: Saga, order: world.Order) -> str:
    """Its provider honours keys and answers no inquiry."""
    return s.run(send_without_inquiry, order)


@saga("tests.expired_key", version=1)
def expired_key(s: Saga, order: world.Order) -> str:
    """Its provider has forgotten the key by the time of the inquiry."""
    return s.run(send_with_expired_key, order)


def test_r24_an_error_after_sending_is_unknown_and_settled_by_inquiry(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert types(saga_id)[2:5] == ["call.intended send", "call.unknown send", "call.completed send"]
    assert sql("SELECT body::json->>'settled_by' FROM sagas_ledgerentry WHERE type = 'call.completed'") == [
        ("inquiry",)
    ]
    assert world.provider.requests.total() == 1


def test_r24_a_failure_to_connect_is_certainly_unsent_and_tried_again(begin: Begin, finish: Finish) -> None:
    def unreachable(call: RemoteCall) -> None:
        if call.attempt < 3:
            raise Retryable("no connection")

    world.provider.on_call = unreachable
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert types(saga_id)[2:7] == ["call.intended send", "call.failed send"] * 2 + ["call.intended send"]
    assert world.provider.inquiries == 0


def test_r24_an_intent_without_an_outcome_is_unknown(begin: Begin, finish: Finish) -> None:
    """The process dies after the provider has acted and before anything of it is recorded."""
    saga_id, _ = begin()
    # The first activation loses its lease here, as it would by a crash.
    world.provider.on_answer = lambda call: lose_lease()
    assert finish(saga_id).status == "completed"
    assert types(saga_id)[2:4] == ["call.intended send", "call.completed send"]
    assert world.provider.requests.total() == 1
    assert world.provider.inquiries == 1


def test_r25_not_found_permits_only_a_repeat_with_the_same_key(begin: Begin, finish: Finish) -> None:
    world.provider.on_call = fail()
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    keys = sql("SELECT DISTINCT idempotency_key FROM sagas_ledgerentry WHERE step = 'send'")
    assert len(keys) == 1
    assert world.provider.requests == {keys[0][0]: 2}


def test_r25_not_found_is_no_permission_to_undo(begin: Begin, finish: Finish) -> None:
    world.provider.on_call = fail(on_attempts=range(1, 99))
    saga_id, order = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "undo.begun" not in types(saga_id)
    assert world.notes(order) == ["reserved"]


def test_r25_after_the_key_has_expired_not_found_parks(begin: Begin, finish: Finish) -> None:
    world.provider.on_call = fail()
    saga_id, _ = begin("tests.expired_key")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "may have been carried out" in status.reason
    assert world.provider.requests.total() == 1


def test_r25_without_an_inquiry_an_honoured_key_permits_a_repeat(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    saga_id, _ = begin("tests.no_inquiry")
    assert finish(saga_id).status == "completed"
    assert world.provider.requests.total() == 2
    assert list(world.provider.effects.values()) == [1]


def test_r25_with_neither_key_nor_inquiry_an_unknown_outcome_parks(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    saga_id, _ = begin("tests.no_key")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "does not honour an idempotency key" in status.reason
    assert world.provider.requests.total() == 1


def test_r25_a_refused_repeat_says_nothing_of_an_unsettled_attempt(begin: Begin, finish: Finish) -> None:
    """The first request is frozen on its way, the inquiry finds nothing, the repeat is refused, then the first
    arrives: undoing at the refusal would have given the money back to somebody who has paid."""

    def first_is_frozen(call: RemoteCall) -> None:
        if call.attempt == 1:
            raise OutcomeUnknown("no answer")
        world.provider.effects[call.idempotency_key] = 1
        raise Rejected("AM05", "duplicate")

    world.provider.on_call = first_is_frozen
    saga_id, order = begin()
    assert finish(saga_id).status == "completed"
    assert "undo.begun" not in types(saga_id)
    assert world.notes(order) == ["reserved", "posted"]


def test_r25_an_unsent_repeat_says_nothing_of_an_unsettled_attempt(begin: Begin, finish: Finish) -> None:
    """The first attempt is unknown, the repeat cannot connect: the next thing is an inquiry, not another repeat."""

    def lost_then_unreachable(call: RemoteCall) -> None:
        if call.attempt == 1:
            raise OutcomeUnknown("no answer")
        raise Retryable("no connection")

    world.provider.on_call = lost_then_unreachable
    saga_id, _ = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "nothing was applied" not in status.reason
    assert world.provider.inquiries >= 2


def test_a_provider_that_is_still_deciding_is_asked_again(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    world.provider.on_inquiry = lambda call: StillPending() if world.provider.inquiries < 3 else None
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert types(saga_id).count("call.unknown send") == 3
    assert world.provider.requests.total() == 1


def test_a_provider_that_never_decides_parks_the_saga(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    world.provider.on_inquiry = lambda call: StillPending()
    saga_id, _ = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "still unknown after 3 inquiries" in status.reason


def test_an_inquiry_that_fails_is_asked_again(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()

    def unreachable(call: RemoteCall) -> None:
        if world.provider.inquiries < 2:
            raise ConnectionRefusedError

    world.provider.on_inquiry = unreachable
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"


def test_an_inquiry_that_says_refused_starts_undoing(begin: Begin, finish: Finish) -> None:
    world.provider.on_call = fail()
    world.provider.on_inquiry = lambda call: Refused("AC06", "blocked")
    saga_id, order = begin()
    status = finish(saga_id)
    assert (status.status, status.reason) == ("undone", "AC06: blocked")
    assert world.notes(order) == ["reserved", "released", "turned-down"]


def test_the_domain_is_told_of_an_unknown_outcome_in_the_same_transaction(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    world.hooks["say_unknown"] = lambda step: world.write(step.key, "unknown")
    saga_id, _ = begin()
    finish(saga_id)
    entry = sql("SELECT xmin::text FROM sagas_ledgerentry WHERE type = 'call.unknown'")
    assert sql("SELECT tx::text FROM scratch WHERE note = 'unknown'") == entry


def test_an_unknown_outcome_is_recorded_even_if_the_domain_cannot_be_told(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    world.hooks["say_unknown"] = lambda step: 1 / 0
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert "call.unknown send" in types(saga_id)


def test_a_resumed_saga_asks_again(begin: Begin, finish: Finish) -> None:
    world.provider.on_answer = fail()
    world.provider.on_inquiry = lambda call: StillPending()
    saga_id, _ = begin()
    finish(saga_id)
    world.provider.on_inquiry = lambda call: None
    operating.resume(saga_id, sender="tests", reason="the provider is back")
    assert finish(saga_id).status == "completed"
    assert world.provider.requests.total() == 1


def test_a_result_that_cannot_be_recorded_is_an_unknown_outcome(begin: Begin, finish: Finish) -> None:
    """The provider has acted; that our adapter returned nonsense changes nothing about it."""
    before: Any = world.provider.apply
    vars(world.provider)["apply"] = lambda call: before(call) and 1.5
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert "call.unknown send" in types(saga_id)


@pytest.fixture(autouse=True)
def _real_apply() -> Iterator[None]:
    yield
    vars(world.provider).pop("apply", None)


def test_retries_are_due_rows_with_growing_delays() -> None:
    policy = RetryPolicy(first=timedelta(seconds=1), factor=2, cap=timedelta(seconds=5), jitter=0.5, max_attempts=9)
    for attempt, longest in [(1, 1), (2, 2), (3, 4), (4, 5), (400, 5)]:
        delays = [policy.delay(after_attempt=attempt).total_seconds() for _ in range(200)]
        assert longest / 2 <= min(delays) <= max(delays) <= longest
        assert max(delays) > min(delays)


def test_a_provider_given_delay_is_honoured(begin: Begin, engine: object) -> None:
    def throttled(call: RemoteCall) -> None:
        raise Retryable("slow down", after=timedelta(minutes=7))

    world.provider.on_call = throttled
    begin()
    engine.drain("default")  # type: ignore[attr-defined]
    engine.wait_until_idle(seconds=10)  # type: ignore[attr-defined]
    ((minutes, token),) = sql("SELECT extract(epoch FROM wake_at - now()) / 60, lease_token FROM sagas_saga")
    assert 6.9 < minutes < 7.1
    assert token is None
    assert ledger.claim(queue="default", bands=[1], limit=1) == []


def test_spent_retries_park_and_say_that_nothing_was_applied(begin: Begin, finish: Finish) -> None:
    def unreachable(call: RemoteCall) -> None:
        raise Retryable("no connection")

    world.provider.on_call = unreachable
    saga_id, _ = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "nothing was applied there" in status.reason
    assert types(saga_id).count("call.intended send") == 3
