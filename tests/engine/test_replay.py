"""Replay: the same code makes the same calls; changed code stops, parked, before any effect."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sagas import LocalContext, Payload, Rejected, Saga, local_step, operating, saga, start
from sagas.definition import _registry
from sagas.entries import EntryType
from sagas.errors import NotAllowedHere
from sagas.models import SagaStatus
from sagas.rehearsal import rehearse
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


@pytest.fixture
def redefine() -> Iterator[Callable[..., None]]:
    """Deploys other code under the name and version of a saga that is in flight."""
    before = dict(_registry)

    def redefine(function: Callable[..., Any], *, name: str = "tests.pay") -> None:
        _registry.pop((name, 1), None)
        saga(name, version=1, undo=world.turn_down)(function)

    yield redefine
    _registry.clear()
    _registry.update(before)


def park_after_sending(begin: Begin, finish: Finish) -> tuple[UUID, world.Order]:
    """A saga whose first four entries are durable: reserved, sent; its last step keeps failing."""

    def fail(step: LocalContext) -> None:
        raise ZeroDivisionError

    world.hooks["post"] = fail
    saga_id, order = begin()
    assert finish(saga_id).status == "parked"
    world.hooks.clear()
    return saga_id, order


def resume(saga_id: UUID) -> None:
    operating.resume(saga_id, sender="tests", reason="mended")


def test_r10_changed_order_of_steps_parks_before_any_effect(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    saga_id, order = park_after_sending(begin, finish)
    requests = world.provider.requests.total()

    def sends_first(s: Saga, order: world.Order) -> str:
        receipt = s.run(world.send, order, pivot=True)
        s.run(world.reserve, order, undo=world.release)
        return s.run(world.post, order, receipt)

    redefine(sends_first)
    resume(saga_id)
    status = finish(saga_id)
    assert status.status == "parked"
    assert "at path 0 the code now calls the remote step send, the ledger has the local step reserve" in status.reason
    assert world.provider.requests.total() == requests
    assert world.notes(order) == ["reserved"]


def test_r10_changed_arguments_park_and_show_the_difference(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    saga_id, order = park_after_sending(begin, finish)
    other = world.new_order()

    def sends_another(s: Saga, order: world.Order) -> str:
        s.run(world.reserve, order, undo=world.release)
        return s.run(world.send, other, pivot=True)

    redefine(sends_another)
    resume(saga_id)
    reason = finish(saga_id).reason
    assert str(other.order_id) in reason
    assert str(order.order_id) in reason


def test_r10_a_step_that_is_left_out_parks(begin: Begin, finish: Finish, redefine: Callable[..., None]) -> None:
    saga_id, _ = park_after_sending(begin, finish)

    def ends_early(s: Saga, order: world.Order) -> str:
        s.run(world.reserve, order, undo=world.release)
        return "done"

    redefine(ends_early)
    resume(saga_id)
    status = finish(saga_id)
    assert status.status == "parked"
    assert "call.intended send" in status.reason


def test_r10_a_new_step_among_recorded_ones_parks(begin: Begin, finish: Finish, redefine: Callable[..., None]) -> None:
    saga_id, _ = park_after_sending(begin, finish)

    def one_more(s: Saga, order: world.Order) -> str:
        s.run(world.reserve, order, undo=world.release)
        receipt = s.run(world.send, order, pivot=True)
        s.run(world.book, order)
        return s.run(world.post, order, receipt)

    redefine(one_more)
    resume(saga_id)
    assert "the code now calls the remote step book" in finish(saga_id).reason


def test_r10_a_field_that_was_added_with_a_default_is_no_difference(
    begin: Begin, finish: Finish, redefine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    saga_id, _ = park_after_sending(begin, finish)

    class Order(world.Order):
        urgent: bool = False

    @local_step
    def reserve(step: LocalContext, order: Order) -> str:
        raise AssertionError("it is recorded and must not run")

    def with_new_type(s: Saga, order: world.Order) -> str:
        s.run(reserve, Order(order_id=order.order_id))
        receipt = s.run(world.send, order, pivot=True)
        return s.run(world.post, order, receipt)

    redefine(with_new_type)
    resume(saga_id)
    assert finish(saga_id).status == "completed"


def test_r11_results_are_decoded_copies_the_first_time_too(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    class Basket(Payload):
        items: list[int]

    made = Basket(items=[1])
    seen = []

    @local_step
    def give(step: LocalContext, order: world.Order) -> Basket:
        return made

    def keeps(s: Saga, order: world.Order) -> int:
        basket = s.run(give, order)
        seen.append(basket)
        return len(basket.items)

    redefine(keeps)
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert seen[0] == made
    assert seen[0] is not made
    assert seen[0].items is not made.items


def test_r11_saga_code_cannot_swallow_the_end_of_an_activation(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    def lose(call: object) -> None:
        raise ConnectionResetError

    world.provider.on_answer = lose

    def swallows(s: Saga, order: world.Order) -> str:
        for _ in range(2):
            with contextlib.suppress(BaseException):  # the worst that saga code can do
                s.run(world.send, order)
        return "nothing happened"

    redefine(swallows)
    saga_id, _ = begin()
    finish(saga_id)
    assert types(saga_id)[1:4] == ["call.intended send", "call.unknown send", "call.completed send"]


def test_r11_a_rejection_that_saga_code_catches_is_the_same_on_replay(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    world.provider.refusal = Rejected("AC04", "closed")
    caught = []

    def goes_on(s: Saga, order: world.Order) -> str:
        try:
            s.run(world.book, order)
        except Rejected as refusal:
            caught.append((refusal.code, refusal.reason))
        return s.run(world.post, order, "instead")

    world.hooks["post"] = lambda step: (_ for _ in ()).throw(ZeroDivisionError()) if len(caught) < 2 else None
    redefine(goes_on)
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert len(caught) >= 3  # the first time, after the fault, and in the rehearsal
    assert set(caught) == {("AC04", "closed")}


def test_r11_the_database_between_steps_is_refused(
    begin: Begin, finish: Finish, redefine: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    def reads(s: Saga, order: world.Order) -> str:
        return str(SagaStatus.objects.count())

    redefine(reads)
    saga_id, _ = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "Make it a @local_step" in status.reason


def test_r11_a_network_connection_between_steps_is_refused(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    import socket

    def calls(s: Saga, order: world.Order) -> str:
        with socket.socket() as outside:
            outside.connect(("127.0.0.1", 1))
        return "called"

    redefine(calls)
    saga_id, _ = begin()
    assert "Make it a @remote_step" in finish(saga_id).reason


def test_r11_the_context_is_refused_in_another_thread(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def threads(s: Saga, order: world.Order) -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(s.run, world.reserve, order).result()

    redefine(threads)
    saga_id, _ = begin()
    assert "another thread" in finish(saga_id).reason
    with pytest.raises(NotAllowedHere):
        raise NotAllowedHere


def test_r12_every_saga_replays_to_its_last_entry(begin: Begin, finish: Finish) -> None:
    """`finish` rehearses every saga that it brings to an end: completed, undone, with undo steps outside."""
    for definition, refusal in [("tests.pay", None), ("tests.trip", None), ("tests.pay", Rejected("AC04"))]:
        world.provider.refusal = refusal
        saga_id, _ = begin(definition)
        assert finish(saga_id).status in ("completed", "undone")


def test_r12_a_rehearsal_finds_a_saga_whose_code_has_changed(
    begin: Begin, finish: Finish, redefine: Callable[..., None], engine: Runner
) -> None:
    saga_id, _ = begin()
    finish(saga_id)

    def other(s: Saga, order: world.Order) -> str:
        return s.run(world.post, order, "instead")

    redefine(other)
    would = rehearse(saga_id, runtime=engine._runtime)
    assert would is not None
    assert would.type == EntryType.PARKED


def test_r12_replay_is_the_same_under_another_hash_seed(begin: Begin, finish: Finish) -> None:
    ids = []
    for definition in ("tests.pay", "tests.trip", "tests.six_calls"):
        saga_id, _ = begin(definition)
        finish(saga_id)
        ids.append(saga_id)
    program = (
        "import django; django.setup()\n"
        "import sys; from uuid import UUID\n"
        "import tests.engine.world\n"
        "from sagas.rehearsal import rehearse; from sagas.runtime import Runtime\n"
        "runtime = Runtime(activations=1)\n"
        "for saga_id in sys.argv[1:]: print(rehearse(UUID(saga_id), runtime=runtime).type)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, ids)],
        env={**os.environ, "PYTHONHASHSEED": "4711", "DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == [EntryType.COMPLETED] * 3, result.stderr


def test_a_fault_of_the_sagas_code_parks_and_undoes_nothing(
    begin: Begin, finish: Finish, redefine: Callable[..., None]
) -> None:
    def broken(s: Saga, order: world.Order) -> str:
        s.run(world.reserve, order, undo=world.release)
        raise KeyError("a customer's name that must not enter the ledger")

    redefine(broken)
    saga_id, order = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "KeyError at test_replay.py" in status.reason
    assert "customer's name" not in str(sql("SELECT string_agg(body, ' ') FROM sagas_ledgerentry"))
    assert world.notes(order) == ["reserved"]


def test_a_parked_saga_goes_on_when_the_code_is_mended(begin: Begin, finish: Finish) -> None:
    saga_id, order = park_after_sending(begin, finish)
    resume(saga_id)
    status = finish(saga_id)
    assert (status.status, status.reason, status.parked_owner) == ("completed", "", "")
    assert world.notes(order) == ["reserved", "posted"]
    assert max(world.provider.effects.values()) == 1


def test_a_saga_of_an_unknown_version_waits_for_a_worker_that_knows_it(begin: Begin, engine: Any) -> None:
    saga_id, _ = begin()
    sql("UPDATE sagas_saga SET version = 99 WHERE id = %s", saga_id)
    engine.drain("default")
    engine.wait_until_idle(seconds=10)
    assert types(saga_id) == ["saga.started"]
    assert sql("SELECT lease_token IS NULL, wake_at > now() FROM sagas_saga") == [(True, True)]


def test_a_definition_is_declared_once() -> None:
    from sagas.errors import DefinitionError

    def other(s: Saga, order: world.Order) -> str:
        return ""

    with pytest.raises(DefinitionError, match="declared twice"):
        saga("tests.pay", version=1)(other)


def test_starting_a_saga_uses_the_newest_version(redefine: Callable[..., None], begin: Begin) -> None:
    def pay_v2(s: Saga, order: world.Order) -> str:
        return "v2"

    saga("tests.pay", version=2)(pay_v2)
    try:
        saga_id, _ = begin()
        assert SagaStatus.objects.get(saga_id=saga_id).version == 2
        old = start("tests.pay", world.new_order(), channel="tests", idempotency_key="old", version=1)
        assert SagaStatus.objects.get(saga_id=old.saga_id).version == 1
    finally:
        _registry.pop(("tests.pay", 2))
