"""Where a lease was believed longer, or a holder nearer, than it was."""

import threading
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection

from sagas import (
    LocalContext,
    RemoteCall,
    Saga,
    ledger,
    operating,
    remote_step,
    saga,
)
from sagas.clock import clock
from sagas.connections import engine_cursor
from sagas.models import InboxKind
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere, sql
from tests.engine.hostile import Begin, Finish, locked

# --- a message to a saga whose worker has died ---


def test_r29_a_message_reaches_a_saga_whose_lease_has_run_out(begin: Begin) -> None:
    saga_id, _ = begin()
    ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now() - interval '1 s', wake_at = now() - interval '1 s'")
    operating.deliver(saga_id, kind=InboxKind.RESUME, sender="tests", body="{}")
    assert sql("SELECT wake_at <= clock_timestamp(), inbox_seq FROM sagas_saga") == [(True, 1)]


# --- the lease is believed to be longer than it is; its extension fails ---


class LockTimeout(psycopg.errors.LockNotAvailable):
    sqlstate = "55P03"


def test_r07_a_call_begins_with_most_of_a_lease_left_also_after_a_replay(begin: Begin, finish: Finish) -> None:
    left: list[Any] = []

    def wait_for_a_lock_in_vain(step: LocalContext) -> None:
        world.hooks.clear()
        time.sleep(1.8)  # of a lease of 2
        raise LockTimeout

    world.hooks["reserve"] = wait_for_a_lock_in_vain
    world.provider.on_call = lambda call: left.extend(
        elsewhere("SELECT extract(epoch FROM lease_expires_at - clock_timestamp()) FROM sagas_saga")[0]
    )
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert left[0] > 1


def test_r18_an_extension_that_fails_does_not_lose_the_calls_answer(begin: Begin, finish: Finish) -> None:
    elsewhere(f"ALTER DATABASE {connection.settings_dict['NAME']} SET lock_timeout = '200ms'")

    def slow(call: RemoteCall) -> None:
        with locked(call.saga_id):
            time.sleep(1)  # the lease is extended after two thirds of a second

    world.provider.on_call = slow
    saga_id, _ = begin("tests.unkeyed")
    assert finish(saga_id).status == "completed"


# --- what is queued behind calls that hang is sent long after its time ---


@remote_step(retry=world.QUICKLY, timeout=timedelta(milliseconds=100), inquiry_schedule=world.ASK_QUICKLY)
def send_hastily(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@saga("tests.hasty", version=1)
def hasty(s: Saga, order: world.Order) -> str:
    return s.run(send_hastily, order)


def test_r07_a_call_that_found_no_thread_in_time_is_never_made(begin: Begin, finish: Finish, engine: Runner) -> None:
    engine._runtime.helpers._most = 1
    another_provider = threading.Event()
    engine._runtime.helpers.submit(another_provider.wait)
    saga_id, _ = begin("tests.hasty")
    finish(saga_id)
    another_provider.set()
    engine._runtime.helpers.submit(int).result()  # behind everything that was queued
    assert world.provider.requests.total() == 0


# --- leases and groups ---


def test_r14_a_stale_flush_in_a_group_is_not_told_that_it_passed(begin: Begin) -> None:
    """A process that was frozen, and has claimed the same saga anew, has both in one group."""
    saga_id, _ = begin()
    (claimed,) = ledger.claim(queue="default", bands=[1], limit=1)
    common: dict[str, Any] = {"entries": (), "head_seq": 1, "head_hash": claimed.head_hash, "at": clock.now()}
    stale = ledger.Flush(
        saga_id=saga_id, token=uuid4(), status=ledger.StatusChange(status="undoing", reason="stale"), **common
    )
    valid = ledger.Flush(saga_id=saga_id, token=claimed.token, **common)
    with engine_cursor() as cursor:
        ledger.write(cursor, [stale, valid])
    assert sql("SELECT status FROM sagas_sagastatus") == [("running",)]


def test_r16_a_saga_released_before_it_was_started_is_still_known_to_have_crashed(begin: Begin) -> None:
    begin()
    ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now() - interval '1 s', wake_at = now() - interval '1 s'")
    (second,) = ledger.claim(queue="default", bands=[1], limit=1)
    assert second.abandoned
    ledger.give_back_abandoned(second.id, second.token)
    (third,) = ledger.claim(queue="default", bands=[1], limit=1)
    assert third.abandoned
