"""Where money or a promise was lost: each test broke the engine when it was written."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from sagas import (
    LocalContext,
    Rejected,
    RemoteCall,
    Saga,
    saga,
)
from sagas.models import SagaStatus
from tests.engine import world
from tests.engine.conftest import elsewhere, types
from tests.engine.hostile import Begin, Finish, changed


@pytest.fixture(autouse=True)
def _nothing_has_changed() -> None:
    changed.clear()


# --- undone while unknown, and after the money has moved ---


@saga("tests.cut_off", version=1, undo=world.turn_down)
def cut_off(s: Saga, order: world.Order) -> str:
    """Its code looks at the clock between two steps, which replay cannot repeat."""
    s.run(world.reserve, order, undo=world.release)
    if changed.is_set():
        raise Rejected("CUTOFF", "too late for today")
    return s.run(world.post, order, s.run(world.send, order, pivot=True))


def test_r10_a_refusal_that_jumps_over_an_unknown_call_parks(begin: Begin, finish: Finish) -> None:
    def lost(call: RemoteCall) -> None:
        changed.set()
        raise ConnectionResetError

    world.provider.on_answer = lost
    saga_id, order = begin("tests.cut_off")
    assert finish(saga_id).status == "parked"
    assert world.notes(order) == ["reserved"]


def test_r27_a_refusal_that_jumps_over_a_completed_pivot_parks(begin: Begin, finish: Finish) -> None:
    def fail(step: LocalContext) -> None:
        changed.set()
        raise ValueError

    world.hooks["post"] = fail
    saga_id, order = begin("tests.cut_off")
    assert finish(saga_id).status == "parked"
    assert world.notes(order) == ["reserved"]


# --- a commit that rolls back in silence ---


def tell_django_to_roll_back(step: LocalContext) -> None:
    transaction.set_rollback(True)


def catch_in_an_atomic_block_without_savepoint(step: LocalContext) -> None:
    try:
        with transaction.atomic(savepoint=False):
            tariffs: dict[str, int] = {}
            assert tariffs["no such tariff"]
    except KeyError:
        pass


@pytest.mark.parametrize("body", [tell_django_to_roll_back, catch_in_an_atomic_block_without_savepoint])
def test_r13_nothing_is_sent_when_the_commit_of_the_intent_rolled_back(
    begin: Begin, finish: Finish, body: Callable[[LocalContext], None]
) -> None:
    durable: list[Any] = []
    world.hooks["reserve"] = body
    world.provider.on_call = lambda call: durable.append(elsewhere("SELECT type FROM sagas_ledgerentry ORDER BY seq"))
    saga_id, _ = begin()
    engine_says = SagaStatus.objects.get(saga_id=saga_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.reserve, "retry", world.QUICKLY)
        engine_says = finish(saga_id)
    assert all(("call.intended",) in rows for rows in durable)
    assert engine_says.status == "parked"


# --- frozen in an open transaction ---


@saga("tests.ponders", version=1, undo=world.turn_down)
def ponders(s: Saga, order: world.Order) -> str:
    """Stands still once with its transaction open, past the role's limit and within its lease."""
    s.run(world.reserve, order, undo=world.release)
    if not changed.is_set():
        changed.set()
        time.sleep(0.8)
    return s.run(world.post, order, s.run(world.send, order, pivot=True))


@saga("tests.swallows", version=1)
def swallows(s: Saga, order: world.Order) -> str:
    s.run(world.reserve, order, undo=world.release)
    if not changed.is_set():
        changed.set()
        time.sleep(0.8)
    try:
        return s.run(world.send, order)
    except Exception:  # noqa: BLE001 - as business code does
        return s.run(world.book, order)


@pytest.mark.parametrize("definition", ["tests.ponders", "tests.swallows"])
def test_r08_what_was_rolled_back_is_not_in_the_ledger(begin: Begin, finish: Finish, definition: str) -> None:
    name = connection.settings_dict["NAME"]
    elsewhere(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '300ms'")
    saga_id, order = begin(definition)
    assert finish(saga_id).status == "completed"
    assert types(saga_id)[1:4] == ["step.completed reserve", "call.intended send", "call.completed send"]
    assert world.notes(order)[0] == "reserved"
