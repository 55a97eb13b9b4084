"""A rollback while somebody else holds the saga's row: what has happened outside must survive it."""

import threading
from typing import Any
from uuid import UUID

import pytest

from sagas import LocalContext, Saga, ledger, saga
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import sql, types
from tests.engine.hostile import Begin, locked, run_for, send_unkeyed


@saga("tests.unkeyed_then_post", version=1)
def unkeyed_then_post(s: Saga, order: world.Order) -> str:
    """Its provider honours no key and answers no inquiry: what it has said is said once."""
    return s.run(world.post, order, s.run(send_unkeyed, order))


def test_r18_a_calls_outcome_survives_a_rollback_while_a_sender_holds_the_row(
    begin: Begin, engine: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flush that saves the outcome alone is passed over with its group, because the row is locked: that is not
    the loss of the token."""
    write = ledger.write
    senders: list[threading.Thread] = []
    held, let_go = threading.Event(), threading.Event()

    def hold(saga_id: UUID) -> None:
        with locked(saga_id):
            held.set()
            let_go.wait(1)

    def write_beside_a_sender(cursor: Any, given: Any, *, wait: bool = True) -> dict[UUID, int]:
        facts = [flush for flush in given if {str(entry.type) for entry in flush.entries} == {"call.completed"}]
        if facts and not senders:
            senders.append(threading.Thread(target=hold, args=(facts[0].saga_id,)))
            senders[0].start()
            held.wait(10)
        return write(cursor, given, wait=wait)

    troubles = [1]

    def trouble(step: LocalContext) -> None:
        if troubles:
            troubles.pop()
            sql("DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '40001'; END $$")

    monkeypatch.setattr(ledger, "write", write_beside_a_sender)
    world.hooks["post"] = trouble
    saga_id, order = begin("tests.unkeyed_then_post")
    run_for(engine, 4)  # twice the lease
    let_go.set()
    senders[0].join()
    assert types(saga_id)[1:] == [
        "call.intended send_unkeyed",
        "call.completed send_unkeyed",
        "step.completed post",
        "saga.completed",
    ]
    assert world.provider.requests.total() == 1
    assert world.notes(order) == ["posted"]
