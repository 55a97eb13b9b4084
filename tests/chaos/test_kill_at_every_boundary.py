"""A worker is killed (SIGKILL) at every boundary of the transfer saga, each of them, once; then another one goes on.

The boundaries are not listed here: a first run with a trace finds them, in order, and each gets a payment and a worker
of its own. Whatever was killed where: one effect at the rail or none, the books balance, the saga ends, the chain
holds.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection

from payments.models import Payment
from payments.services.seed import seed_demo_bank
from sagas.models import Saga
from sagas.runner import Runner
from tests.chaos.nursery import Nursery
from tests.chaos.payments import accept, assert_books_agree, assert_ended_well, is_over, settlement_balance
from tests.integration.simulator_process import Simulators, running_simulators

PATIENCE_SECONDS = 60

#: What the cents ask of the rail (`simulators/faults.py`), whether the payment settles, and what its run must pass.
PATHS = {
    "settled": ("00", True, {"claim.durable", "step.before", "step.after", "call.before", "call.answered"}),
    "refused by the rail and undone": ("90", False, {"transaction.before_commit", "flush.durable"}),
    "answer lost, settled by inquiry": ("92", True, {"inquiry.before", "inquiry.answered"}),
    "throttled, then settled": ("94", True, {"call.answered"}),
}


@pytest.fixture
def rail(tmp_path: Path) -> Iterator[Simulators]:
    with running_simulators(tmp_path / "book") as simulators:
        yield simulators


@pytest.fixture
def recover(rail: Simulators, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[UUID], None]]:
    """Another worker, of this process: takes the saga over once its lease is over, and brings it to its end."""
    monkeypatch.setattr(settings, "INSTANT_RAIL_URL", rail.url)
    monkeypatch.setitem(settings.SAGAS, "LEASE", timedelta(seconds=30))
    runner = Runner()

    def recover(saga_id: UUID) -> None:
        with connection.cursor() as cursor:  # the lease's time passes
            cursor.execute(
                "UPDATE sagas_saga SET lease_expires_at = now(), wake_at = now() WHERE lease_token IS NOT NULL"
            )
        wait_until(lambda: (runner.drain("default"), is_over(saga_id))[1], what=f"saga {saga_id} to end")
        assert runner.wait_until_idle(seconds=PATIENCE_SECONDS)

    yield recover
    runner.stop(seconds=10)


@contextmanager
def nursery(rail: Simulators) -> Iterator[Nursery]:
    """Workers with a lease that does not run out while they live, so that every run passes the same boundaries."""
    born = Nursery(
        INSTANT_RAIL_URL=rail.url, RECOURSE_LEASE_SECONDS="30", RECOURSE_SWEEP_SECONDS="0.05", RECOURSE_ACTIVATIONS="2"
    )
    try:
        yield born
    finally:
        born.close()


def wait_until(condition: Callable[[], bool], *, what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE_SECONDS} s for {what}"
        time.sleep(0.02)


def traced(births: Nursery, trace: Path, *, cents: str) -> list[str]:
    """The boundaries that a run with these cents passes, in order."""
    saga_id = accept(cents=cents, key="traced")
    pid = births.bear("worker", failpoints=f"trace={trace}")
    wait_until(lambda: is_over(saga_id), what="the traced saga to end")
    os.killpg(pid, signal.SIGKILL)
    assert births.ended() == -signal.SIGKILL
    return trace.read_text().split()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", PATHS)
def test_a_worker_killed_at_any_boundary_loses_and_repeats_nothing(
    path: str, rail: Simulators, recover: Callable[[UUID], None], tmp_path: Path
) -> None:
    cents, settled, must_pass = PATHS[path]
    seed_demo_bank()
    before = settlement_balance()
    with nursery(rail) as births:
        boundaries = traced(births, tmp_path / "trace", cents=cents)
        assert must_pass <= set(boundaries)
        for ordinal, name in enumerate(boundaries, start=1):
            where = f"killed at boundary {ordinal} of {len(boundaries)}, {name}"
            saga_id = accept(cents=cents, key=where)
            births.bear("worker", failpoints=f"kill={ordinal}:{name}")
            assert births.ended() == -signal.SIGKILL, where
            recover(saga_id)
            assert_ended_well(saga_id, rail, settled=settled, context=where)
    assert_books_agree(rail, before=before)


def test_a_process_killed_while_it_accepts_a_payment_stores_all_of_it_or_nothing(
    rail: Simulators, recover: Callable[[UUID], None]
) -> None:
    seed_demo_bank()
    with nursery(rail) as births:
        births.bear("accept", failpoints="kill=1:start.written", cents="00", key="before the commit")
        assert births.ended() == -signal.SIGKILL
        assert (Payment.objects.count(), Saga.objects.count()) == (0, 0)
        births.bear("accept", failpoints="kill=2:start.durable", cents="00", key="after the commit")
        assert births.ended() == -signal.SIGKILL
    payment = Payment.objects.get()
    recover(payment.saga_id)  # no hint was ever sent for it
    assert_ended_well(payment.saga_id, rail, settled=True)
    assert accept(cents="00", key="after the commit") == payment.saga_id
