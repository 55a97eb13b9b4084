"""Flushes whose answer is lost, and groups that are refused: what is sent again, and what never."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections

from sagas import RemoteCall, ledger
from sagas.flusher import Flusher
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere, parking, sql, types
from tests.engine.hostile import locked

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


def test_r19_a_commit_with_a_calls_outcome_whose_answer_is_lost_is_never_sent_again(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been committed, and was: the outcome in it must not be saved alone as after a rollback."""
    wrapper: Any = type(connections["default"])
    commit, write = wrapper._commit, ledger.write
    lost: list[bool] = []
    sent: list[int] = []

    def commit_and_lose(self: Any) -> None:
        commit(self)
        if "call.completed" in written and not lost:
            lost.append(True)
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    written: set[str] = set()

    def write_and_note(cursor: Any, given: Any, **options: Any) -> dict[UUID, int]:
        for flush in given:
            sent.extend(entry.seq for entry in flush.entries)
            written.update(str(entry.type) for entry in flush.entries)
        return write(cursor, given, **options)

    monkeypatch.setattr(wrapper, "_commit", commit_and_lose)
    monkeypatch.setattr(ledger, "write", write_and_note)
    saga_id, order = begin()
    assert finish(saga_id).status == "completed"
    assert lost == [True]
    assert len(sent) == len(set(sent)), sent
    assert world.notes(order) == ["reserved", "posted"]


def test_r21_when_a_group_is_refused_only_its_culprit_suffers(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two flushes that surely are one statement: they are handed in while a third one is under way."""
    first, bad, good = (begin()[0] for _ in range(3))
    claimed = {item.id: item for item in ledger.claim(queue="default", bands=[1], limit=3)}
    sql(
        "INSERT INTO sagas_ledgerentry SELECT saga_id, 2, type, path, step, direction, attempt, idempotency_key, body, "
        "salt, prev_hash, hash, at, actor FROM sagas_ledgerentry WHERE saga_id = %s",
        bad,
    )
    write = ledger.write
    sizes: list[int] = []
    under_way = threading.Event()
    flusher = Flusher()

    def write_when_both_wait(cursor: Any, given: Any, **options: Any) -> dict[UUID, int]:
        sizes.append(len(given))
        under_way.set()
        end = time.monotonic() + 20
        while len(sizes) == 1 and flusher._waiting.qsize() < 2:
            assert time.monotonic() < end
            time.sleep(0.001)
        return write(cursor, given, **options)

    monkeypatch.setattr(ledger, "write", write_when_both_wait)
    try:
        with ThreadPoolExecutor(3) as pool:
            before = pool.submit(flusher.flush, parking(claimed[first]))
            under_way.wait(20)
            refused, passed = (pool.submit(flusher.flush, parking(claimed[saga_id])) for saga_id in (bad, good))
        assert before.result() == 0
        assert isinstance(refused.exception(), psycopg.errors.UniqueViolation)
        assert passed.result() == 0
        assert sizes == [1, 2, 1, 1]
        assert types(good) == ["saga.started", "saga.parked"]
    finally:
        flusher.stop(seconds=5)
        # Leave no broken chain for the check that follows every test.
        sql("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")
        sql("DELETE FROM sagas_ledgerentry WHERE saga_id = %s AND seq = 2", bad)


def test_r21_a_saga_whose_row_was_locked_when_its_group_was_written_goes_on_alone(begin: Begin, engine: Runner) -> None:
    """Passed over is not fenced out: its flush waits for the sender, and no lease is waited for."""
    released: list[bool] = []
    held = threading.Event()

    def hold(saga_id: UUID) -> None:
        with locked(saga_id):
            held.set()
            released.append(somebody_waits_for_a_lock())

    senders: list[threading.Thread] = []

    def on_call(call: RemoteCall) -> None:
        if not senders:
            senders.append(threading.Thread(target=hold, args=(call.saga_id,)))
            senders[0].start()
            held.wait(10)

    world.provider.on_call = on_call
    saga_id, _ = begin("tests.six_calls")
    engine.drain("default", seconds=0.05)
    assert engine.wait_until_idle(seconds=30)
    senders[0].join()
    assert released == [True]
    assert SagaStatus.objects.get(saga_id=saga_id).status == "completed"
    assert (world.provider.requests.total(), world.provider.inquiries) == (6, 0)


def somebody_waits_for_a_lock(*, seconds: float = 5) -> bool:
    """Looks until a session of this database waits for a lock; False if none does in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if elsewhere("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"):
            return True
    return False
