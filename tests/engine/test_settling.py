"""How long a key may be repeated, how often, and when a provider is asked again."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from sagas import (
    InquirySchedule,
    OutcomeUnknown,
    RemoteCall,
    Retryable,
    RetryPolicy,
    Saga,
    StillPending,
    operating,
    remote_step,
    saga,
)
from sagas.clock import DatabaseClock
from sagas.ledger import load
from sagas.models import InboxKind, SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere, sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


@remote_step(
    retry=RetryPolicy(first=world.SOON, cap=world.SOON, max_attempts=9),
    inquiry=world.ask,
    inquiry_schedule=world.ASK_QUICKLY,
    key_valid_for=timedelta(hours=3),
)
def send_within_three_hours(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@saga("tests.three_hours", version=1)
def three_hours(s: Saga, order: world.Order) -> str:
    return s.run(send_within_three_hours, order)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Lets time pass for the engine's clock; what is due is claimed by the database's, see `run_to_the_end`."""
    now = DatabaseClock.now
    passed = [timedelta(0)]
    monkeypatch.setattr(DatabaseClock, "now", lambda clock: now(clock) + passed[0])

    def later(by: timedelta) -> None:
        passed[0] += by

    return later


def run_to_the_end(engine: Runner, *, rounds: int = 20) -> SagaStatus:
    for _ in range(rounds):
        sql("UPDATE sagas_saga SET wake_at = now() WHERE wake_at IS NOT NULL AND lease_token IS NULL")
        engine.drain("default")
        assert engine.wait_until_idle(seconds=30)
        status = SagaStatus.objects.get()
        if status.status != "running":
            return status
    raise AssertionError("it goes on and on")


def test_r25_the_age_of_a_key_is_counted_from_its_first_intent(
    begin: Begin, engine: Runner, later: Callable[[timedelta], None]
) -> None:
    """Two hours after the first attempt it may be repeated, four hours after it not, however fresh the second one."""

    def lost(call: RemoteCall) -> None:
        later(timedelta(hours=2))
        raise OutcomeUnknown("no answer")

    world.provider.on_call = lost
    begin("tests.three_hours")
    status = run_to_the_end(engine)
    assert status.status == "parked"
    assert "honoured the key for 3:00:00" in status.reason
    assert world.provider.requests.total() == 2


def test_r25_a_repeat_that_could_outlive_its_key_is_not_sent(
    begin: Begin, engine: Runner, later: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hour is left, and a call may take two: it could arrive after the provider has forgotten the key."""
    monkeypatch.setattr(send_within_three_hours, "timeout", timedelta(hours=2))

    def lost(call: RemoteCall) -> None:
        later(timedelta(hours=2))
        raise OutcomeUnknown("no answer")

    world.provider.on_call = lost
    begin("tests.three_hours")
    assert run_to_the_end(engine).status == "parked"
    assert world.provider.requests.total() == 1


def test_r25_every_attempt_is_told_when_the_first_was_intended(begin: Begin, finish: Finish) -> None:
    told = []

    def lost_at_first(call: RemoteCall) -> None:
        told.append(call.first_intended_at)
        if call.attempt == 1:
            raise OutcomeUnknown("no answer")

    world.provider.on_call = lost_at_first
    saga_id, _ = begin()
    finish(saga_id)
    first = next(entry for entry in load([saga_id])[saga_id] if entry.type == "call.intended")
    assert told == [first.at] * 2


def test_r25_attempts_that_never_come_to_an_outcome_end_too(begin: Begin, finish: Finish) -> None:
    """Each time the lease is given back while the provider is called: no attempt has failed, and none is counted as
    an abnormal end. Without a limit the provider would be called for ever."""

    def lose_lease(call: RemoteCall) -> None:
        elsewhere("UPDATE sagas_saga SET lease_token = NULL, lease_expires_at = NULL, wake_at = now()")
        raise OutcomeUnknown("no answer")

    world.provider.on_call = lose_lease
    saga_id, _ = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "still unknown after 30 attempts" in status.reason  # ten times its allowed three
    assert world.provider.requests.total() == 30


def test_r25_a_provider_that_says_when_to_ask_again_is_asked_then(begin: Begin, engine: Runner) -> None:
    def lost(call: RemoteCall) -> None:
        raise OutcomeUnknown("no answer")

    world.provider.on_call = lost
    world.provider.on_inquiry = lambda call: StillPending(after=timedelta(minutes=7))
    begin()
    for _ in range(3):
        engine.drain("default")
        assert engine.wait_until_idle(seconds=10)
    assert world.provider.inquiries == 1
    ((minutes,),) = sql("SELECT extract(epoch FROM wake_at - now()) / 60 FROM sagas_saga")
    assert 6.8 < minutes < 7.1


def test_a_person_who_says_go_on_does_not_wait_for_the_next_due_time(
    begin: Begin, engine: Runner, finish: Finish
) -> None:
    def throttled(call: RemoteCall) -> None:
        raise Retryable("slow down", after=timedelta(hours=7))

    world.provider.on_call = throttled
    saga_id, _ = begin()
    engine.drain("default")
    assert engine.wait_until_idle(seconds=10)
    assert types(saga_id)[-1] == "call.failed send"
    world.provider.on_call = lambda call: None
    operating.deliver(saga_id, kind=InboxKind.RESUME, sender="tests", body='{"reason": "they take more now"}')
    assert finish(saga_id).status == "completed"


@remote_step(
    retry=RetryPolicy(first=world.SOON, cap=world.SOON, max_attempts=2),
    inquiry=world.ask,
    inquiry_schedule=InquirySchedule(delays=(world.SOON,), max_inquiries=9),
    key_valid_for=timedelta(days=1),
)
def send_twice_at_most(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@saga("tests.twice_at_most", version=1)
def twice_at_most(s: Saga, order: world.Order) -> str:
    return s.run(send_twice_at_most, order)


def test_r25_a_repeat_after_not_found_is_an_attempt_like_any_other(begin: Begin, finish: Finish) -> None:
    """However often the provider may still be asked."""

    def lost(call: RemoteCall) -> None:
        raise OutcomeUnknown("no answer")

    world.provider.on_call = lost
    saga_id, _ = begin("tests.twice_at_most")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "still unknown after 2 attempts" in status.reason
    assert world.provider.requests.total() == 2


def test_r25_a_provider_that_says_at_once_does_not_use_up_the_inquiries(
    begin: Begin, engine: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them in a moment would park the saga while the provider is still deciding."""

    def lost(call: RemoteCall) -> None:
        raise OutcomeUnknown("no answer")

    schedule = InquirySchedule(delays=(timedelta(milliseconds=1), timedelta(minutes=1)))
    monkeypatch.setattr(world.send, "inquiry_schedule", schedule)
    world.provider.on_call = lost
    world.provider.on_inquiry = lambda call: StillPending(after=timedelta(milliseconds=1))
    begin()
    for _ in range(5):
        engine.drain("default")
        assert engine.wait_until_idle(seconds=10)
    assert world.provider.inquiries == 1
    assert sql("SELECT wake_at > now() + interval '50 seconds' FROM sagas_saga") == [(True,)]
