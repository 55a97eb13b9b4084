"""Code that was changed while its saga was being undone, or that is wrong about a step: it parks before any effect."""

import contextlib
import threading
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from sagas import LocalContext, PayloadRefused, Rejected, RemoteCall, Saga, ledger, local_step, remote_step, saga
from sagas.errors import DefinitionError
from sagas.ledger import load
from sagas.models import SagaStatus
from tests.engine import world
from tests.engine.conftest import sql, types
from tests.engine.hostile import Begin, Finish

#: Whether the other version of the code is deployed.
deployed = threading.Event()


@pytest.fixture(autouse=True)
def _the_first_version() -> None:
    deployed.clear()


def deploy_then_fail_once(step: LocalContext) -> None:
    """The undo step is tried again later, and then the other code replays the saga."""
    if not deployed.is_set():
        deployed.set()
        raise ValueError


@saga("tests.changes_its_reason", version=1, undo=world.turn_down)
def changes_its_reason(s: Saga, order: world.Order) -> str:
    s.run(world.reserve, order, undo=world.release)
    raise Rejected("AC06" if deployed.is_set() else "AC04", "no")


def test_r10_undoing_for_another_reason_parks(begin: Begin, finish: Finish) -> None:
    """The customer would be told another reason than the one that the ledger has."""
    world.hooks["release"] = deploy_then_fail_once
    saga_id, order = begin("tests.changes_its_reason")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "began undoing because of AC04" in status.reason
    assert world.notes(order) == ["reserved"]


@saga("tests.tries_another_way", version=1, undo=world.turn_down)
def tries_another_way(s: Saga, order: world.Order) -> str:
    """Its newer version, refused, books elsewhere instead of letting the refusal stand."""
    s.run(world.reserve, order, undo=world.release)
    try:
        return s.run(world.send, order)
    except Rejected:
        if not deployed.is_set():
            raise
        return s.run(world.book, order)


def test_r10_once_undoing_has_begun_no_new_step_is_run(begin: Begin, finish: Finish) -> None:
    def refuse_first(call: RemoteCall) -> None:
        if not deployed.is_set():
            raise Rejected("AC04", "closed")

    world.provider.on_call = refuse_first
    world.hooks["release"] = deploy_then_fail_once
    saga_id, _ = begin("tests.tries_another_way")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "undo.begun" in status.reason
    assert "call.intended book" not in types(saga_id)
    assert not world.provider.effects


@saga("tests.ends_well_after_all", version=1, undo=world.turn_down)
def ends_well_after_all(s: Saga, order: world.Order) -> str:
    s.run(world.reserve, order, undo=world.release)
    if not deployed.is_set():
        raise Rejected("AC04", "closed")
    return "fine"


def test_r10_once_undoing_has_begun_a_saga_cannot_complete(begin: Begin, finish: Finish) -> None:
    world.hooks["release"] = deploy_then_fail_once
    saga_id, _ = begin("tests.ends_well_after_all")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "undo.begun" in status.reason


@local_step
def count_money(step: LocalContext, order: world.Order, amount: int) -> int:
    world.note(step, "counted", order)
    return amount


@saga("tests.fixes_an_argument", version=1)
def fixes_an_argument(s: Saga, order: world.Order) -> str:
    """Its first version calls a step with an argument that the ledger refuses, and goes on without it."""
    with contextlib.suppress(PayloadRefused):
        amount: Any = 1 if deployed.is_set() else "one"
        s.run(count_money, order, amount)
    receipt = s.run(world.send, order)
    return s.run(world.post, order, receipt)


def test_r10_a_call_before_recorded_ones_that_is_new_is_not_run(begin: Begin, finish: Finish) -> None:
    world.hooks["post"] = deploy_then_fail_once
    saga_id, order = begin("tests.fixes_an_argument")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "the code now calls count_money, which is not recorded" in status.reason
    assert world.notes(order) == []


def _booked_by_ourselves() -> Any:
    @local_step
    def book_ticket(step: LocalContext, order: world.Order) -> str:
        return "by ourselves"

    return book_ticket


def _booked_by_the_provider() -> Any:
    @remote_step(retry=world.QUICKLY, inquiry=world.ask, inquiry_schedule=world.ASK_QUICKLY)
    def book_ticket(call: RemoteCall, order: world.Order) -> str:
        return world.provider.apply(call)

    return book_ticket


STEPS = {False: _booked_by_ourselves(), True: _booked_by_the_provider()}


@saga("tests.moves_a_step_outside", version=1)
def moves_a_step_outside(s: Saga, order: world.Order) -> str:
    receipt: str = s.run(STEPS[deployed.is_set()], order)
    return s.run(world.post, order, receipt)


def test_r10_a_step_that_became_remote_under_its_old_name_parks(begin: Begin, finish: Finish) -> None:
    world.hooks["post"] = deploy_then_fail_once
    saga_id, _ = begin("tests.moves_a_step_outside")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "the ledger has the local step book_ticket" in status.reason
    assert (world.provider.requests.total(), world.provider.inquiries) == (0, 0)


@pytest.mark.parametrize("kind", [set[int], frozenset[str]])
def test_r11_a_step_that_takes_or_gives_a_set_is_refused_at_import(kind: Any) -> None:
    def takes(step: LocalContext, members: Any) -> None: ...

    def gives(step: LocalContext) -> Any: ...

    takes.__annotations__["members"] = kind
    gives.__annotations__["return"] = kind
    for function in (takes, gives):
        with pytest.raises(DefinitionError, match="a set has no order"):
            local_step(function)


@saga("tests.swallows_everything", version=1)
def swallows_everything(s: Saga, order: world.Order) -> str:
    """The worst that saga code can do, and then it goes on."""
    for _ in range(2):
        with contextlib.suppress(BaseException):
            s.run(world.reserve, order)
    return "done"


def test_r11_after_a_rollback_nothing_is_run_until_the_replay(begin: Begin, finish: Finish) -> None:
    """The token is still ours, so no fence would stop a step that runs without the one before it."""
    trouble = [1]

    def roll_back_once(step: LocalContext) -> None:
        if trouble:
            trouble.pop()
            sql("DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '40001'; END $$")

    world.hooks["reserve"] = roll_back_once
    saga_id, order = begin("tests.swallows_everything")
    assert finish(saga_id).status == "completed"
    assert [entry.path for entry in load([saga_id])[saga_id] if entry.step == "reserve"] == ["0", "1"]
    assert world.notes(order) == ["reserved"] * 2


@saga("tests.catches_and_books", version=1)
def catches_and_books(s: Saga, order: world.Order) -> str:
    try:
        return s.run(world.send, order)
    except Exception:  # noqa: BLE001 - as business code does
        return s.run(world.book, order)


def test_r11_an_error_of_the_engines_own_statement_does_not_reach_saga_code(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says nothing of the step: saga code that caught it would take another way while the first is still open."""
    write, extend = ledger.write, ledger.extend
    troubles = [psycopg.OperationalError("the connection is lost"), psycopg.errors.InternalError_("a bug")]

    def write_slowly(cursor: Any, given: Any, **options: Any) -> Any:
        passed = write(cursor, given, **options)
        if troubles and any(entry.type == "call.intended" for flush in given for entry in flush.entries):
            time.sleep(0.8)  # more than a third of the lease: it is asserted before the call
        return passed

    def fail(saga_id: UUID, token: UUID) -> bool:
        if troubles:
            raise troubles.pop()
        return extend(saga_id, token)

    monkeypatch.setattr(ledger, "write", write_slowly)
    monkeypatch.setattr(ledger, "extend", fail)
    saga_id, _ = begin("tests.catches_and_books")
    for _ in range(20):
        sql("UPDATE sagas_saga SET wake_at = now() WHERE lease_token IS NULL AND NOT ended")
        if finish_or_wait(saga_id, finish):
            break
    assert troubles == []
    assert "call.intended book" not in types(saga_id)
    assert SagaStatus.objects.get(saga_id=saga_id).status == "completed"


def finish_or_wait(saga_id: UUID, finish: Finish) -> bool:
    try:
        return finish(saga_id).status == "completed"
    except AssertionError:
        return False


@local_step
def weigh(step: LocalContext, order: world.Order, grams: int | Decimal) -> str:
    return type(grams).__name__


@saga("tests.weighs", version=1)
def weighs(s: Saga, order: world.Order) -> str:
    return s.run(weigh, order, Decimal(5))


def test_r11_what_is_equal_and_not_the_same_is_refused(begin: Begin, finish: Finish) -> None:
    """A Decimal of five comes back from this union as an int: equal, and another type on replay."""
    saga_id, _ = begin("tests.weighs")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "weigh.grams" in status.reason


#: What saga code has caught that was not meant for it.
caught: list[BaseException] = []


@saga("tests.catches_all_errors", version=1)
def catches_all_errors(s: Saga, order: world.Order) -> str:
    try:
        return s.run(world.send, order)
    except Exception as error:
        caught.append(error)
        raise


def test_r11_the_end_of_an_activation_is_no_exception_that_saga_code_catches(begin: Begin, finish: Finish) -> None:
    """What stands after `except Exception` would run although the step has not failed."""
    caught.clear()
    lost = [1]

    def lose_once(call: RemoteCall) -> None:
        if lost:
            lost.pop()
            raise ConnectionResetError

    world.provider.on_answer = lose_once
    saga_id, _ = begin("tests.catches_all_errors")
    assert finish(saga_id).status == "completed"
    assert "call.unknown send" in types(saga_id)
    assert caught == []
