"""When the business says no: undone in reverse, durably, up to the pivot and never past it."""

from collections.abc import Callable
from uuid import UUID

from sagas import OutcomeUnknown, Rejected, RemoteCall, Saga, operating, saga
from sagas.ledger import load
from sagas.models import SagaStatus
from tests.engine import world
from tests.engine.conftest import elsewhere, flushes, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


@saga("tests.refused_later", version=1, undo=world.turn_down)
def refused_later(s: Saga, order: world.Order) -> str:
    """Refused by a step after the pivot."""
    s.run(world.reserve, order, undo=world.release)
    receipt = s.run(world.send, order, pivot=True)
    return s.run(world.post, order, receipt)


def test_r26_steps_are_undone_in_reverse_order(begin: Begin, finish: Finish) -> None:
    booked: list[str] = []

    def refuse_second(call: RemoteCall) -> None:
        booked.append(call.idempotency_key)
        if len(booked) == 2:
            raise Rejected("AC04", "account closed")

    world.provider.on_call = refuse_second
    saga_id, order = begin("tests.trip")
    status = finish(saga_id)
    assert (status.status, status.reason) == ("undone", "AC04: account closed")
    assert types(saga_id)[-6:] == [
        "undo.begun",
        "call.intended unbook",
        "call.completed unbook",
        "step.completed release",
        "step.completed turn_down",
        "saga.undone",
    ]
    assert world.notes(order) == ["reserved", "released", "turned-down"]


def test_r26_the_ledger_says_beforehand_what_will_be_undone(begin: Begin, finish: Finish) -> None:
    world.provider.refusal = Rejected("AC04", "closed")
    saga_id, _ = begin()
    finish(saga_id)
    begun = next(entry for entry in load([saga_id])[saga_id] if entry.type == "undo.begun")
    assert begun.plain() == {"code": "AC04", "reason": "closed", "steps": ["release", "turn_down"]}


def test_r26_undoing_goes_on_after_a_crash_without_repeating(begin: Begin, finish: Finish) -> None:
    """The lease is lost while the remote undo is under way: it is settled, not repeated."""
    keys: list[str] = []

    def third_loses_lease(call: RemoteCall) -> None:
        if call.idempotency_key not in keys:
            keys.append(call.idempotency_key)
        if len(keys) == 3:
            elsewhere("UPDATE sagas_saga SET lease_token = NULL, lease_expires_at = NULL, wake_at = now()")

    def refuse_second(call: RemoteCall) -> None:
        if len(set(world.provider.requests)) == 2:
            raise Rejected("AC04", "closed")

    world.provider.on_call = refuse_second
    world.provider.on_answer = third_loses_lease
    saga_id, order = begin("tests.trip")
    assert finish(saga_id).status == "undone"
    assert set(world.provider.requests.values()) == {1}
    assert world.notes(order) == ["reserved", "released", "turned-down"]


def test_r26_nothing_is_undone_while_an_outcome_is_unknown(begin: Begin, finish: Finish) -> None:
    def lost(call: RemoteCall) -> None:
        raise OutcomeUnknown("no answer")

    world.provider.on_answer = lost
    world.provider.on_inquiry = lambda call: (_ for _ in ()).throw(OutcomeUnknown("no answer"))
    saga_id, order = begin("tests.trip")
    assert finish(saga_id).status == "parked"
    assert "undo.begun" not in types(saga_id)
    assert world.notes(order) == ["reserved"]


def test_r26_an_undo_that_keeps_failing_parks_and_is_resumed(begin: Begin, finish: Finish) -> None:
    world.provider.refusal = Rejected("AC04", "closed")
    world.hooks["release"] = lambda step: 1 / 0
    saga_id, order = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "release failed 3 times" in status.reason
    assert world.notes(order) == ["reserved"]
    world.hooks.clear()
    operating.resume(saga_id, sender="tests", reason="mended")
    assert finish(saga_id).status == "undone"
    assert world.notes(order) == ["reserved", "released", "turned-down"]


def test_r26_an_undo_that_is_refused_parks_with_what_is_still_in_force(begin: Begin, finish: Finish) -> None:
    world.provider.refusal = Rejected("AC04", "closed")

    def refuse(step: object) -> None:
        raise Rejected("NARR", "no")

    world.hooks["release"] = refuse
    saga_id, _ = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "release was refused while undoing (NARR: no)" in status.reason


def test_r27_a_pivots_own_rejection_undoes(begin: Begin, finish: Finish) -> None:
    world.provider.refusal = Rejected("AC04", "closed")
    saga_id, order = begin()
    assert finish(saga_id).status == "undone"
    assert world.notes(order) == ["reserved", "released", "turned-down"]
    assert not world.provider.effects


def test_r27_after_the_pivot_a_rejection_parks_and_undoes_nothing(begin: Begin, finish: Finish) -> None:
    def refuse(step: object) -> None:
        raise Rejected("AM04", "no funds")

    world.hooks["post"] = refuse
    saga_id, order = begin("tests.refused_later")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "after the pivot" in status.reason
    assert world.notes(order) == ["reserved"]


def test_r27_undo_steps_are_told_why(begin: Begin, finish: Finish) -> None:
    world.provider.refusal = Rejected("AC04", "closed")
    reasons: list[tuple[str, str]] = []
    for name in ("release", "turn_down"):
        world.hooks[name] = lambda step: reasons.append((step.reason.code, step.reason.reason))  # type: ignore[union-attr]
    saga_id, _ = begin()
    finish(saga_id)
    assert reasons == [("AC04", "closed")] * 2


def test_r20_undoing_local_steps_costs_no_flush_of_its_own(begin: Begin, finish: Finish) -> None:
    world.provider.refusal = Rejected("AC04", "closed")
    saga_id, _ = begin()
    finish(saga_id)
    assert flushes(saga_id) - 1 == 2  # the intent, and everything after the refusal


def test_a_saga_refused_before_any_effect_undoes_its_start(begin: Begin, finish: Finish) -> None:
    def refuse(step: object) -> None:
        raise Rejected("AM04", "insufficient funds")

    world.hooks["reserve"] = refuse
    saga_id, order = begin()
    assert finish(saga_id).status == "undone"
    assert world.notes(order) == ["turned-down"]
    assert types(saga_id)[1] == "step.rejected reserve"
    assert flushes(saga_id) - 1 == 1
