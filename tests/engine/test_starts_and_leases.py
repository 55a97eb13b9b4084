"""When a saga is poison, when a claim has grown too old, and what the role's limits need."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.core.management import call_command

from sagas import RemoteCall, ledger, limits
from sagas.custody import POISON_STARTS
from sagas.models import Saga, SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere, sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


def die_in(call: RemoteCall) -> None:
    """As if the process had died here: its lease runs out, and the next claim knows that it fell silent."""
    elsewhere(
        "UPDATE sagas_saga SET lease_token = gen_random_uuid(),"
        " lease_expires_at = now() - interval '1 s', wake_at = now() - interval '1 s'"
    )
    raise ConnectionResetError


def test_r06_a_saga_whose_call_kills_every_process_is_parked(begin: Begin, finish: Finish) -> None:
    """Each of its activations writes an intent before it dies: an intent alone is no progress."""
    world.provider.on_call = die_in
    saga_id, _ = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "ended abnormally" in status.reason
    assert world.provider.requests.total() == POISON_STARTS + 1


def test_r06_a_saga_that_waited_too_long_for_a_thread_is_given_back(begin: Begin, engine: Runner) -> None:
    """Most of its lease may be over: others may hold it before its first flush."""
    saga_id, order = begin()
    (work,) = engine._claim("default", 1)
    engine._run(replace(work, claimed_at=time.monotonic() - 1))  # of a lease of 2
    row = Saga.objects.get(id=saga_id)
    assert (row.lease_token, row.starts) == (None, 0)
    assert types(saga_id) == ["saga.started"]
    assert world.notes(order) == []


def test_r06_an_outage_of_the_database_does_not_count_as_an_abnormal_end(
    begin: Begin, engine: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The activation after a crash is counted when it starts; when the database drops it, that is taken back."""
    begin("tests.six_calls")
    ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now() - interval '1 s', wake_at = now() - interval '1 s'")
    counted: list[object] = []

    def lose(cursor: Any, given: Any, **options: Any) -> Any:
        counted.extend(elsewhere("SELECT starts FROM sagas_saga"))
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(ledger, "write", lose)
    engine.drain("default", seconds=0.05)
    assert engine.wait_until_idle(seconds=10)
    assert counted
    assert set(counted) == {(1,)}
    assert sql("SELECT lease_token, starts FROM sagas_saga") == [(None, 0)]


def test_r06_a_fault_of_the_engine_counts_as_an_abnormal_end(
    begin: Begin, engine: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a saga at which the engine breaks would go round for ever, unseen."""

    def refuse(cursor: Any, given: Any, **options: Any) -> Any:
        raise psycopg.errors.CheckViolation("a rule of the database that this saga breaks")

    saga_id, _ = begin("tests.six_calls")
    monkeypatch.setattr(ledger, "write", refuse)
    for round_ in range(1, 3):
        sql("UPDATE sagas_saga SET wake_at = now()")
        engine.drain("default", seconds=0.05)
        assert engine.wait_until_idle(seconds=10)
        assert sql("SELECT lease_token, starts FROM sagas_saga WHERE id = %s", saga_id) == [(None, round_)]


def test_r07_a_worker_that_froze_after_its_intent_and_lost_its_lease_calls_nobody(
    begin: Begin, engine: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = ledger.write

    def write_and_freeze(cursor: Any, given: Any, **options: Any) -> Any:
        passed = write(cursor, given, **options)
        if any(entry.type == "call.intended" for flush in given for entry in flush.entries):
            time.sleep(1)  # of a lease of 2, as if it had been longer: the others have taken over
            elsewhere("UPDATE sagas_saga SET lease_token = gen_random_uuid()")
        return passed

    monkeypatch.setattr(ledger, "write", write_and_freeze)
    saga_id, _ = begin("tests.six_calls")
    engine.drain("default", seconds=0.05)
    assert engine.wait_until_idle(seconds=10)
    assert types(saga_id)[-1] == "call.intended book"
    assert world.provider.requests.total() == 0


def test_r07_a_flush_starts_the_lease_afresh_when_a_good_part_of_it_is_over(begin: Begin, finish: Finish) -> None:
    """Else the call that follows would have to extend it in a transaction of its own."""
    extensions: list[object] = []
    left: list[float] = []
    extend = ledger.extend

    def counted(*token: object) -> bool:
        extensions.append(token)
        return extend(*token)  # type: ignore[arg-type]

    world.hooks["reserve"] = lambda step: time.sleep(1)  # of a lease of 2
    world.provider.on_call = lambda call: left.append(
        float(elsewhere("SELECT extract(epoch FROM lease_expires_at - clock_timestamp()) FROM sagas_saga")[0][0])
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "extend", counted)
        saga_id, _ = begin()
        assert finish(saga_id).status == "completed"
    assert extensions == []
    assert left[0] > 1.2


def test_r08_migrating_sets_the_limits_of_the_role() -> None:
    assert limits.missing() != []
    call_command("migrate", verbosity=0, interactive=False)
    assert limits.missing() == []


def test_r06_a_crashed_saga_that_is_given_back_unstarted_is_still_known_to_have_crashed(
    begin: Begin, engine: Runner
) -> None:
    """Its next activation must be counted and careful, whoever it was that passed it on."""
    begin()
    ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now() - interval '1 s', wake_at = now() - interval '1 s'")
    (work,) = engine._claim("default", 1)
    engine.stopping.set()
    engine._run(work)
    (again,) = ledger.claim(queue="default", bands=[1], limit=1)
    assert again.abandoned
