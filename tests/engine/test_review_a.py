"""Review experiments."""
import threading, time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction

from sagas import OutcomeUnknown, Rejected, RemoteCall, Retryable, Saga, StillPending, ledger, local_step, operating, saga
from sagas import remote_step, LocalContext, RetryPolicy
from sagas.models import InboxKind, SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere, sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]

closed = threading.Event()


@saga("tests.cut_off", version=1, undo=world.turn_down)
def cut_off(s: Saga, order: world.Order) -> str:
    s.run(world.reserve, order, undo=world.release)
    if closed.is_set():
        raise Rejected("CUTOFF", "too late today")
    return s.run(world.post, order, s.run(world.send, order, pivot=True))


def test_e1_unknown_is_not_undone(begin: Begin, finish: Finish) -> None:
    closed.clear()

    def lost(call: RemoteCall) -> None:
        closed.set()
        raise ConnectionResetError

    world.provider.on_answer = lost
    saga_id, order = begin("tests.cut_off")
    status = finish(saga_id)
    print(status.status, status.reason, types(saga_id), world.notes(order), world.provider.effects)
    assert status.status == "parked"


def test_e1b_settled_is_not_undone(begin: Begin, finish: Finish) -> None:
    """The pivot is recorded as completed; then post fails once."""
    closed.clear()

    def fails(step: LocalContext) -> None:
        closed.set()
        raise ValueError

    world.hooks["post"] = fails
    saga_id, order = begin("tests.cut_off")
    status = finish(saga_id)
    print(status.status, status.reason, types(saga_id), world.notes(order), world.provider.effects)
    assert status.status == "parked"


def test_e2_rollback_flag(begin: Begin, finish: Finish) -> None:
    seen: list[Any] = []
    world.hooks["reserve"] = lambda step: transaction.set_rollback(True)
    world.provider.on_call = lambda call: seen.append(elsewhere("SELECT seq, type FROM sagas_ledgerentry ORDER BY seq"))
    saga_id, order = begin()
    try:
        status = finish(saga_id, rounds=5)
    except AssertionError as error:
        print(error)
    from sagas.proof import broken_chains
    print(seen, types(saga_id), world.notes(order), world.provider.effects, broken_chains())
    assert all((3, "call.intended") in rows for rows in seen)


@saga("tests.ponders", version=1, undo=world.turn_down)
def ponders(s: Saga, order: world.Order) -> str:
    s.run(world.reserve, order, undo=world.release)
    if closed.is_set():
        closed.clear()
        time.sleep(0.8)  # frozen, with the transaction open
    return s.run(world.post, order, s.run(world.send, order, pivot=True))


def test_e3_idle_in_transaction(begin: Begin, finish: Finish, engine: Runner) -> None:
    db = connection.settings_dict["NAME"]
    elsewhere(f"ALTER DATABASE {db} SET idle_in_transaction_session_timeout = '300ms'")
    closed.set()
    saga_id, order = begin("tests.ponders")
    status = finish(saga_id)
    print(status.status, status.reason, types(saga_id), world.notes(order), world.provider.effects)
    if status.status == "parked":
        operating.resume(saga_id, sender="t", reason="r")
        status = finish(saga_id)
        print(status.status, status.reason, types(saga_id), world.notes(order), world.provider.effects)
    assert world.notes(order)[0] == "reserved"


@remote_step(retry=world.QUICKLY, inquiry=world.ask, inquiry_schedule=world.ASK_QUICKLY, key_valid_for=timedelta(days=1))
def send_reading(call: RemoteCall, order: world.Order) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return world.provider.apply(call)


@saga("tests.reads", version=1)
def reads(s: Saga, order: world.Order) -> str:
    return s.run(send_reading, order)


def test_e4_helper_connection(begin: Begin, finish: Finish, engine: Runner) -> None:
    first, _ = begin("tests.reads")
    assert finish(first).status == "completed"
    elsewhere("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
    time.sleep(0.2)
    from sagas.connections import close_connection
    close_connection()
    second, _ = begin("tests.reads")
    status = finish(second)
    print(status.status, status.reason, types(second), world.provider.requests)
    assert status.status == "completed"
    assert types(second).count("call.unknown send_reading") == 0


def test_e5_knock_abandoned(begin: Begin) -> None:
    saga_id, _ = begin()
    ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now() - interval '1 s', wake_at = now() - interval '1 s'")
    operating.deliver(saga_id, kind=InboxKind.RESUME, sender="tests", body='{}')


@remote_step(retry=world.QUICKLY, inquiry_schedule=world.ASK_QUICKLY)
def send_unkeyed(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@saga("tests.unkeyed", version=1)
def unkeyed(s: Saga, order: world.Order) -> str:
    return s.run(send_unkeyed, order)


def test_e6_extension_fails(begin: Begin, finish: Finish, engine: Runner) -> None:
    import os
    db = connection.settings_dict["NAME"]
    elsewhere(f"ALTER DATABASE {db} SET lock_timeout = '200ms'")

    def slow(call: RemoteCall) -> None:
        with psycopg.connect(os.environ["DATABASE_URL"]) as other:
            other.execute("UPDATE sagas_saga SET inbox_seq = inbox_seq")
            time.sleep(1.0)

    world.provider.on_call = slow
    saga_id, order = begin("tests.unkeyed")
    status = finish(saga_id)
    print(status.status, status.reason, types(saga_id), world.provider.effects)
    assert status.status == "completed"


def test_e7_replay_lease(begin: Begin, finish: Finish, engine: Runner) -> None:
    left: list[Any] = []

    def locked(step: LocalContext) -> None:
        world.hooks.clear()
        time.sleep(1.8)
        raise psycopg.errors.LockNotAvailable("x") if False else LockTimeout()

    class LockTimeout(psycopg.errors.LockNotAvailable):
        sqlstate = "55P03"

    world.hooks["reserve"] = locked
    def measure(call: RemoteCall) -> None:
        left.append(elsewhere("SELECT extract(epoch FROM lease_expires_at - clock_timestamp()) FROM sagas_saga")[0][0])
        time.sleep(0.5)
    world.provider.on_call = measure
    saga_id, order = begin()
    status = finish(saga_id)
    print(status.status, left, types(saga_id))
    assert left[0] > 2 * 2 / 3 - 0.1
