"""Local steps: exactly once in effect, and nothing that a rollback could not take back."""

import socket
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import transaction

from sagas import LocalContext, Payload, RemoteCall, Saga, local_step, saga
from sagas.errors import DefinitionError, NotAllowedHere
from sagas.guard import refuse_outside_call, scope
from sagas.models import SagaStatus
from tests.engine import world
from tests.engine.conftest import sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


def test_r28_an_on_commit_hook_is_refused(begin: Begin, finish: Finish) -> None:
    ran: list[str] = []
    world.hooks["post"] = lambda step: transaction.on_commit(lambda: ran.append("hook"))
    saga_id, order = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "on_commit" in status.reason
    assert ran == []
    assert world.notes(order) == ["reserved"]


def test_r28_a_network_connection_is_refused(begin: Begin, finish: Finish) -> None:
    def connect(step: object) -> None:
        with socket.socket() as outside:
            outside.connect(("127.0.0.1", 1))

    world.hooks["post"] = connect
    saga_id, _ = begin()
    assert "a network connection was opened inside a local step" in finish(saga_id).reason


def test_r28_an_adapter_can_refuse_a_call_over_a_connection_it_has() -> None:
    with scope("local"), pytest.raises(NotAllowedHere, match="Make it a @remote_step"):
        refuse_outside_call("a request was sent")
    with scope("remote"):
        refuse_outside_call("a request was sent")


def test_r28_a_remote_step_may_read_our_database_and_not_write_it(begin: Begin, finish: Finish) -> None:
    def reads_then_writes(call: RemoteCall) -> None:
        assert sql("SELECT 1") == [(1,)]
        if call.attempt == 1:
            world.write(call.idempotency_key, "outside the ledger's transaction")

    world.provider.on_call = reads_then_writes
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert "wrote to our database" in str(sql("SELECT body FROM sagas_ledgerentry WHERE type = 'call.unknown'"))
    assert sql("SELECT count(*) FROM scratch WHERE note LIKE 'outside%%'") == [(0,)]


def test_a_failed_step_leaves_nothing_and_is_tried_again(begin: Begin, finish: Finish) -> None:
    left = [1, 1]

    def fail_after_writing(step: LocalContext) -> None:
        world.write(f"half {len(left)}", "half")
        if left:
            left.pop()
            raise ValueError("a bug")

    world.hooks["post"] = fail_after_writing
    saga_id, order = begin()
    assert finish(saga_id).status == "completed"
    assert types(saga_id)[-4:] == ["step.failed post"] * 2 + ["step.completed post", "saga.completed"]
    assert sql("SELECT count(*) FROM scratch WHERE note = 'half'") == [(1,)]
    assert world.notes(order) == ["reserved", "posted"]


def test_a_step_that_fails_inside_a_nested_atomic_block_leaves_nothing(begin: Begin, finish: Finish) -> None:
    left = [1]

    def nested(step: object) -> None:
        with transaction.atomic():
            world.write(f"nested {len(left)}", "nested")
            if left:
                left.pop()
                sql("SELECT 1 / 0")

    world.hooks["post"] = nested
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert sql("SELECT count(*) FROM scratch WHERE note = 'nested'") == [(1,)]


def test_a_result_that_cannot_be_recorded_takes_its_rows_with_it(begin: Begin, finish: Finish) -> None:
    @local_step(retry=world.QUICKLY)
    def lies(step: LocalContext, order: world.Order) -> int:
        world.write(step.key, "lies")
        return "not a number"  # type: ignore[return-value]

    @saga("tests.lies", version=1)
    def lying(s: Saga, order: world.Order) -> int:
        return s.run(lies, order)

    saga_id, _ = begin("tests.lies")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "lies.result" in status.reason
    assert sql("SELECT count(*) FROM scratch") == [(0,)]


def test_arguments_over_the_limit_are_refused_at_the_call_with_the_fields_name(begin: Begin, finish: Finish) -> None:
    class Letter(Payload):
        salutation: str
        text: str

    @local_step
    def post_letter(step: LocalContext, letter: Letter) -> None:
        raise AssertionError("it must not run")

    @saga("tests.long_letter", version=1)
    def long_letter(s: Saga, order: world.Order) -> None:
        s.run(post_letter, Letter(salutation="Sir", text="x" * 300_000))

    saga_id, _ = begin("tests.long_letter")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "post_letter.letter.text" in status.reason
    assert "262,144" in status.reason


def test_a_step_without_types_is_refused_at_import() -> None:
    with pytest.raises(DefinitionError, match="annotate amount, return"):

        @local_step
        def untyped(step: LocalContext, amount):  # type: ignore[no-untyped-def]
            return amount


def test_a_step_with_an_inexact_type_is_refused_at_import() -> None:
    with pytest.raises(DefinitionError, match="float is inexact"):

        @local_step
        def inexact(step: LocalContext, amount: float) -> None: ...
