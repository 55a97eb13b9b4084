"""Where a saga went round for ever unseen, or held up others."""

import os
import threading
import time

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from sagas import (
    LocalContext,
    Refused,
    Rejected,
    RemoteCall,
    Saga,
    saga,
)
from sagas.errors import DefinitionError
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import sql
from tests.engine.hostile import Begin, Finish, changed, locked, run_for


@pytest.fixture(autouse=True)
def _nothing_has_changed() -> None:
    changed.clear()


# --- hot loops that nobody sees ---


def test_a_refusal_that_postgresql_cannot_store_ends_or_parks(begin: Begin, engine: Runner) -> None:
    def refuse(call: RemoteCall) -> None:
        raise Rejected("AC01", "name of the creditor\x00")

    world.provider.on_call = refuse
    world.provider.on_inquiry = lambda call: Refused("AC01", "name of the creditor\x00")
    begin()
    run_for(engine, 4)
    assert SagaStatus.objects.get().status in ("parked", "undone")
    assert world.provider.inquiries <= 5


def test_a_saga_without_an_owner_is_refused_at_import() -> None:
    with pytest.raises(DefinitionError, match="owner"):

        @saga("tests.ownerless", version=1, owner="")
        def ownerless(s: Saga, order: world.Order) -> None: ...


def test_a_statement_that_is_always_cancelled_parks(begin: Begin, engine: Runner) -> None:
    runs: list[int] = []

    def slow(step: LocalContext) -> None:
        runs.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20; SELECT pg_sleep(1)")

    world.hooks["reserve"] = slow
    begin()
    run_for(engine, 25)
    assert SagaStatus.objects.get().status == "parked", f"ran {len(runs)} times"


def test_an_inquiry_that_cannot_reach_another_database_is_recorded(begin: Begin, engine: Runner) -> None:
    def lost(call: RemoteCall) -> None:
        raise ConnectionResetError

    def down(call: RemoteCall) -> None:
        raise psycopg.OperationalError('connection to server at "provider-db" failed')

    world.provider.on_answer, world.provider.on_inquiry = lost, down
    begin()
    run_for(engine, 8)
    assert SagaStatus.objects.get().status == "parked"
    assert world.provider.inquiries <= 6


def test_a_refusal_because_of_a_lock_is_a_refusal(begin: Begin, engine: Runner) -> None:
    def busy(step: LocalContext) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"]) as other:
            other.execute("LOCK TABLE sagas_queue")
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("LOCK TABLE sagas_queue NOWAIT")
            except OperationalError as error:
                raise Rejected("BUSY", "the account is being closed") from error

    world.hooks["reserve"] = busy
    begin()
    run_for(engine, 1)
    assert SagaStatus.objects.get().status == "undone"


# --- one saga holds up the others ---


def test_r21_a_saga_whose_row_is_locked_holds_up_no_other(begin: Begin, engine: Runner) -> None:
    stuck, _ = begin("tests.six_calls")
    free, _ = begin("tests.six_calls")
    held, let_go, first = threading.Event(), threading.Event(), threading.Lock()

    def hold() -> None:
        with locked(stuck):
            held.set()
            let_go.wait(20)

    def on_call(call: RemoteCall) -> None:
        if call.saga_id == stuck and first.acquire(blocking=False):
            threading.Thread(target=hold).start()
        held.wait(10)
        if call.saga_id == free:
            time.sleep(0.05)

    world.provider.on_call = on_call
    try:
        engine.drain("default", seconds=0.1)
        time.sleep(1.5)
        assert SagaStatus.objects.get(saga_id=free).status == "completed"
    finally:
        let_go.set()
        engine.wait_until_idle(seconds=10)


def test_an_entry_that_this_version_does_not_know_holds_up_no_other_saga(begin: Begin, engine: Runner) -> None:
    """A rolling deploy: newer code has written an entry of a type that this code has never heard of."""
    newer, _ = begin()
    other, _ = begin()
    columns = "step, direction, attempt, idempotency_key, body, salt, prev_hash, hash, at, actor"
    sql(
        f"INSERT INTO sagas_ledgerentry (saga_id, seq, type, path, {columns}) "
        f"SELECT saga_id, 2, 'timer.set', '0', {columns} FROM sagas_ledgerentry WHERE saga_id = %s",
        newer,
    )
    run_for(engine, 1)
    assert SagaStatus.objects.get(saga_id=other).status == "completed"
    assert sql("SELECT lease_token, starts, ended FROM sagas_saga WHERE id = %s", newer) == [(None, 0, False)]
    sql("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")
    sql("DELETE FROM sagas_ledgerentry WHERE type = 'timer.set'")


@saga("tests.forgets", version=1, undo=world.turn_down)
def forgets(s: Saga, order: world.Order) -> str:
    s.run(world.reserve, order, undo=None if changed.is_set() else world.release)
    return s.run(world.send, order, pivot=True)


def test_r10_an_undo_that_the_code_has_forgotten_parks(begin: Begin, finish: Finish) -> None:
    def fail(step: LocalContext) -> None:
        changed.set()
        raise ValueError

    world.provider.refusal = Rejected("AC04")
    world.hooks["release"] = fail
    saga_id, order = begin("tests.forgets")
    assert finish(saga_id).status == "parked"
    assert "turned-down" not in world.notes(order)


@saga("tests.no_pivot_now", version=1, undo=world.turn_down)
def no_pivot_now(s: Saga, order: world.Order) -> str:
    s.run(world.reserve, order, undo=world.release)
    receipt = s.run(world.send, order, pivot=not changed.is_set())
    return s.run(world.post, order, receipt)


def test_r10_a_pivot_that_the_code_has_forgotten_parks(begin: Begin, finish: Finish) -> None:
    def fail(step: LocalContext) -> None:
        if changed.is_set():
            raise Rejected("AC04")
        changed.set()
        raise ValueError

    world.hooks["post"] = fail
    saga_id, order = begin("tests.no_pivot_now")
    assert finish(saga_id).status == "parked"
    assert world.notes(order) == ["reserved"]
