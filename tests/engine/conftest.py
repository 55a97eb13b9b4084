"""A runner of this process over the test's own database."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from sagas import ledger, start
from sagas import runner as runner_module
from sagas.clock import clock
from sagas.entries import ChainHead, EntryType
from sagas.ledger import load
from sagas.models import SagaStatus
from sagas.proof import broken_chains
from sagas.rehearsal import rehearse
from sagas.runner import Runner
from tests.engine import world


@pytest.fixture(autouse=True)
def _a_new_world(database: object) -> Iterator[None]:
    world.create_table()
    world.new_world()
    clock._seen = None
    yield
    assert broken_chains() == []


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """A runner with a short lease; stopped, and its connections closed, before the database is dropped."""
    monkeypatch.setitem(settings.SAGAS, "LEASE", timedelta(seconds=2))
    runner = Runner()
    monkeypatch.setattr(runner_module, "_runner", runner)
    yield runner
    runner.stop(seconds=10)


@pytest.fixture
def begin() -> Callable[..., tuple[UUID, world.Order]]:
    """Starts a saga of the test world."""

    def begin(definition: str = "tests.pay") -> tuple[UUID, world.Order]:
        order = world.new_order()
        started = start(definition, order, channel="tests", idempotency_key=str(order.order_id))
        return started.saga_id, order

    return begin


@pytest.fixture
def finish(engine: Runner) -> Callable[..., SagaStatus]:
    """Drains until the saga has ended or parked, and gives its status row."""

    def finish(saga_id: UUID, *, seconds: float = 30) -> SagaStatus:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            engine.drain("default")
            assert engine.wait_until_idle(seconds=30)
            status = SagaStatus.objects.get(saga_id=saga_id)
            if status.status in ("completed", "undone"):
                assert_replays_to_its_end(saga_id, engine)
            if status.status in ("completed", "undone", "parked"):
                return status
        raise AssertionError(f"saga is still {status.status}: {types(saga_id)}")

    return finish


def assert_replays_to_its_end(saga_id: UUID, engine: Runner) -> None:
    """R12: every activation runs twice; the second time from the ledger alone, to the very same last entry."""
    last = load([saga_id])[saga_id][-1]
    again = rehearse(saga_id, runtime=engine._runtime)
    assert again is not None
    assert (again.type, again.body) == (last.type, last.body)


def types(saga_id: UUID) -> list[str]:
    """What the ledger says, in short: `type step`."""
    return [f"{entry.type} {entry.step}".strip() for entry in load([saga_id]).get(saga_id, [])]


def flushes(saga_id: UUID) -> int:
    """In how many transactions the saga's entries were written, by PostgreSQL's own account."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM sagas_ledgerentry WHERE saga_id = %s", [saga_id])
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])


def elsewhere(statement: str) -> list[tuple[Any, ...]]:
    """The same from another session, as another process would."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as other:
        cursor = other.execute(statement)
        return cursor.fetchall() if cursor.description else []


def sql(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Rows of a statement, past the engine."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def parking(claimed: ledger.Claimed) -> ledger.Flush:
    """A flush that parks a claimed saga: one entry, written past any activation."""
    head = ChainHead(saga_id=claimed.id, seq=claimed.head_seq, hash=claimed.head_hash)
    entry = head.link(EntryType.PARKED, at=clock.now(), actor="tests")
    return ledger.Flush(
        saga_id=claimed.id,
        token=claimed.token,
        entries=[entry],
        head_seq=head.seq,
        head_hash=head.hash,
        at=entry.at,
        leaves=True,
        status=ledger.StatusChange(status="parked", owner="tests", due_at=entry.at),
    )
