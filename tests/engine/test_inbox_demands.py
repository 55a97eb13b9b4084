"""What may not pass a message that has just arrived, and what a wake-up without a message does: nothing."""

import os
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from sagas import Rejected, RemoteCall, Retryable, ledger, operating
from sagas.clock import clock
from sagas.connections import close_connection, engine_cursor
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


def test_r30_undoing_does_not_begin_past_a_message_that_has_just_arrived(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first durable word is the intent of a remote undo, which by itself demands nothing of the inbox."""
    happened: list[str] = []
    write = ledger.write

    def race(cursor: Any, flushes: list[ledger.Flush], **options: Any) -> dict[UUID, int]:
        begins = any(entry.type == "undo.begun" for flush in flushes for entry in flush.entries)
        if begins and not happened:
            happened.append("message")
            sql("UPDATE sagas_saga SET inbox_seq = inbox_seq + 1")
        passed = write(cursor, flushes, **options)
        if begins:
            happened.append("passed" if passed else "refused")
        return passed

    def refuse_second(call: RemoteCall) -> None:
        if len(world.provider.requests) == 2:
            raise Rejected("AC04", "closed")

    monkeypatch.setattr(ledger, "write", race)
    world.provider.on_call = refuse_second
    saga_id, order = begin("tests.trip")
    assert finish(saga_id).status == "undone"
    assert happened[0] == "message"
    assert happened[-1] == "passed"
    assert set(happened[1:-1]) == {"refused"}
    assert world.notes(order) == ["reserved", "released", "turned-down"]


def test_r30_a_message_that_commits_while_the_flush_waits_for_its_row_is_not_passed(begin: Begin) -> None:
    """The number is compared on the newest version of the row: a snapshot from before the wait would not see it."""
    saga_id, _ = begin()
    (claimed,) = ledger.claim(queue="default", bands=[1], limit=1)
    flush = ledger.Flush(
        saga_id=saga_id,
        token=claimed.token,
        entries=(),
        head_seq=claimed.head_seq,
        head_hash=claimed.head_hash,
        at=clock.now(),
        seen=claimed.inbox_seq,
        leaves=True,
    )
    passed: list[dict[UUID, int]] = []

    def leave() -> None:
        with engine_cursor() as cursor:
            passed.append(ledger.write(cursor, [flush]))
        close_connection()

    holder = threading.Thread(target=leave)
    with psycopg.connect(os.environ["DATABASE_URL"]) as sender:
        sender.execute("UPDATE sagas_saga SET inbox_seq = inbox_seq + 1 WHERE id = %s", [saga_id])
        holder.start()
        wait_until_blocked()
    holder.join()
    assert passed == [{}]
    assert sql("SELECT lease_token FROM sagas_saga") == [(claimed.token,)]


def wait_until_blocked() -> None:
    """Until a session of this database waits for a lock of another one."""
    for _ in range(10_000):
        waiting = sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        if waiting != [(0,)]:
            return
    raise AssertionError("nobody waits for a lock")


@pytest.fixture
def parked(begin: Begin, finish: Finish) -> UUID:
    def unreachable(call: RemoteCall) -> None:
        raise Retryable("no connection")

    world.provider.on_call = unreachable
    saga_id, _ = begin()
    assert finish(saga_id).status == "parked"
    return saga_id


def test_r32_a_message_is_recorded_once_however_often_the_saga_is_activated(parked: UUID, finish: Finish) -> None:
    operating.resume(parked, sender="tests", reason="try again")
    assert finish(parked).status == "parked"  # after three more attempts, each an activation
    assert types(parked).count("call.intended send") == 6
    assert types(parked).count("saga.resumed") == 1


def test_r31_a_parked_saga_that_is_woken_without_a_message_stays_parked(parked: UUID, engine: Runner) -> None:
    before, requests = types(parked), world.provider.requests.total()
    sql("UPDATE sagas_saga SET wake_at = now()")
    engine.drain("default")
    assert engine.wait_until_idle(seconds=10)
    assert types(parked) == before
    assert world.provider.requests.total() == requests
    assert sql("SELECT wake_at, lease_token FROM sagas_saga") == [(None, None)]
    assert SagaStatus.objects.get(saga_id=parked).status == "parked"
