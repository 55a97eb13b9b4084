"""Real workers: frozen, without a broker, told to stop."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection

from payments.services.seed import seed_demo_bank
from sagas import limits
from sagas.ledger import load
from sagas.models import SagaStatus
from tests.chaos.payments import accept, assert_ended_well, is_over
from tests.chaos.workers import wait_until, worker
from tests.integration.simulator_process import Simulators, running_simulators

QUICK = {"RECOURSE_LEASE_SECONDS": "1.5", "RECOURSE_SWEEP_SECONDS": "0.2"}


@pytest.fixture
def rail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulators]:
    with running_simulators(tmp_path / "book", "--delay-seconds", "4") as simulators:
        monkeypatch.setenv("INSTANT_RAIL_URL", simulators.url)
        seed_demo_bank()
        yield simulators


def last_actor(saga_id: UUID) -> str:
    return load([saga_id])[saga_id][-1].actor


def is_sending(saga_id: UUID) -> bool:
    return load([saga_id])[saga_id][-1].type == "call.intended"


def status(saga_id: UUID) -> str:
    return SagaStatus.objects.get(saga_id=saga_id).status


@pytest.mark.usefixtures("rail")
def test_r15_a_worker_frozen_past_its_lease_and_continued_writes_nothing(rail: Simulators) -> None:
    """It is stopped while the rail works on its call; another worker settles the payment; then it wakes up with the
    rail's answer in its hands."""
    saga_id = accept(cents="96", key="frozen")
    with worker("frozen", **QUICK) as frozen:
        wait_until(lambda: is_sending(saga_id), what="the first worker to send")
        assert last_actor(saga_id).endswith(frozen.actor_suffix)
        frozen.signal(signal.SIGSTOP)
        with worker("other", **QUICK) as other:
            wait_until(lambda: status(saga_id) == "completed", what="the other worker to settle")
            written = load([saga_id])[saga_id]
            frozen.signal(signal.SIGCONT)
            # It is alive and at work again when it has ended a saga of its own.
            other.signal(signal.SIGSTOP)
            probe = accept(cents="00", key="probe")
            wait_until(lambda: status(probe) == "completed", what="the continued worker to work again")
            assert last_actor(probe).endswith(frozen.actor_suffix)
            other.signal(signal.SIGCONT)
    assert load([saga_id])[saga_id] == written
    by_frozen = [entry.type for entry in written if entry.actor.endswith(frozen.actor_suffix)]
    assert by_frozen[-1] == "call.intended"
    assert_ended_well(saga_id, rail, settled=True)


def test_r22_all_messages_of_the_broker_deleted_while_sagas_are_due_and_they_all_end(rail: Simulators) -> None:
    ids = [accept(cents="00", key=f"lost hint {n}") for n in range(20)]
    messages = Path(settings.CELERY_BROKER_DIR)
    deleted = [path for path in messages.rglob("*") if path.is_file()]
    shutil.rmtree(messages, ignore_errors=True)
    assert deleted or settings.CELERY_BROKER_URL != "filesystem://"
    with worker("alone", **QUICK):
        wait_until(lambda: all(is_over(saga_id) for saga_id in ids), what="all sagas to end")
    for saga_id in ids:
        assert_ended_well(saga_id, rail, settled=True)


def test_r22_without_any_broker_the_sweepers_end_all_sagas(rail: Simulators) -> None:
    """The worker's broker answers nobody; its sweeper does not need one."""
    saga_id = accept(cents="00", key="no broker")
    with worker("deaf", CELERY_BROKER_URL="amqp://guest:guest@127.0.0.1:9//", **QUICK):
        wait_until(lambda: is_over(saga_id), what="the saga to end")
    assert_ended_well(saga_id, rail, settled=True)


def test_a_worker_told_to_stop_ends_soon_and_leaves_its_sagas_to_others(rail: Simulators) -> None:
    ids = [accept(cents="00", key=f"stop {n}") for n in range(10)]
    with worker("leaving", **QUICK) as leaving:
        wait_until(lambda: any(is_over(saga_id) for saga_id in ids), what="a first saga to end")
        os.kill(leaving.process.pid, signal.SIGTERM)
        assert leaving.process.wait(timeout=20) == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sagas_saga WHERE lease_token IS NOT NULL")
        assert cursor.fetchone() == (0,)
    with worker("staying", **QUICK):
        wait_until(lambda: all(is_over(saga_id) for saga_id in ids), what="all sagas to end")
    for saga_id in ids:
        assert_ended_well(saga_id, rail, settled=True)


FREEZE_IN_TRANSACTION = """
import os, psycopg, signal
with psycopg.connect(os.environ["DATABASE_URL"]) as session:
    session.execute("SELECT 1 FROM sagas_saga FOR NO KEY UPDATE")
    print("locked", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def test_r08_a_process_frozen_inside_a_transaction_does_not_hold_a_saga_for_ever(
    rail: Simulators, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its session after the limit on idle transactions, and with it its locks."""
    monkeypatch.setitem(settings.SAGAS, "LEASE", timedelta(seconds=1.5))
    limits.set_limits()
    try:
        saga_id = accept(cents="00", key="held")
        frozen = subprocess.Popen(
            [sys.executable, "-c", FREEZE_IN_TRANSACTION], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            assert frozen.stdout is not None
            assert frozen.stdout.readline() == "locked\n"
            with worker("waiting", **QUICK):
                wait_until(lambda: is_over(saga_id), what="the saga to end in spite of the lock", seconds=20)
            assert frozen.poll() is None
        finally:
            frozen.kill()
            frozen.wait()
            if frozen.stdout is not None:
                frozen.stdout.close()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT quote_ident(current_database())")
            cursor.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {cursor.fetchone()[0]} RESET ALL")
    assert_ended_well(saga_id, rail, settled=True)
