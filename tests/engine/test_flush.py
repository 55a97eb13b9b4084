"""What is durable together, in how many transactions, and what happens to it when the database says no or nothing."""

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections

from sagas import RemoteCall, Saga, ledger, saga
from sagas.business import BusinessTransaction
from sagas.counts import counts
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere, flushes, parking, sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


@saga("tests.many_locals", version=1)
def many_locals(s: Saga, order: world.Order) -> int:
    """Local steps only."""
    for _ in range(3):
        s.run(world.reserve, order)
    return 3


@saga("tests.forty_locals", version=1)
def forty_locals(s: Saga, order: world.Order) -> int:
    """More local steps than one transaction takes."""
    for _ in range(40):
        s.run(world.reserve, order)
    return 40


def test_r13_the_intent_is_durable_before_the_provider_is_called(begin: Begin, finish: Finish) -> None:
    seen: list[list[str]] = []
    saga_id, _ = begin()
    world.provider.on_call = lambda call: seen.append([row[0] for row in sql("SELECT type FROM sagas_ledgerentry")])
    finish(saga_id)
    assert seen == [["saga.started", "step.completed", "call.intended"]]


def test_r13_local_steps_share_one_commit_with_their_entries(begin: Begin, finish: Finish) -> None:
    saga_id, order = begin("tests.many_locals")
    finish(saga_id)
    assert world.notes(order) == ["reserved"] * 3
    assert flushes(saga_id) == 2  # the start, and everything else


def test_r13_a_transaction_takes_at_most_32_local_steps(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin("tests.forty_locals")
    finish(saga_id)
    sizes = [row[0] for row in sql("SELECT count(*) FROM sagas_ledgerentry WHERE seq > 1 GROUP BY xmin::text")]
    assert sorted(sizes) == [9, 32]


def test_r14_rows_and_entry_of_a_local_step_are_one_transaction(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    finish(saga_id)
    row = sql("SELECT tx::text FROM scratch WHERE note LIKE 'posted%%'")
    entry = sql("SELECT xmin::text FROM sagas_ledgerentry WHERE step = 'post'")
    assert row == entry


def test_r14_an_open_transaction_holds_claimers_off(begin: Begin) -> None:
    saga_id, _ = begin()
    (claimed,) = ledger.claim(queue="default", bands=[1], limit=1)
    transaction = BusinessTransaction(saga_id, claimed.token)
    claims: list[Any] = []

    def others_claim() -> None:
        with psycopg.connect(dsn(), autocommit=True) as other:
            statement = "SELECT id FROM sagas_saga FOR NO KEY UPDATE SKIP LOCKED"
            claims.extend(other.execute(statement).fetchall())

    others_claim()
    transaction.roll_back()
    assert claims == []
    others_claim()
    assert claims == [(saga_id,)]


def dsn() -> str:
    import os

    return os.environ["DATABASE_URL"]


def test_r16_a_deferred_constraint_fails_the_step_and_not_an_earlier_outcome(begin: Begin, finish: Finish) -> None:
    """The receipt of `send` waits in the same transaction; the step that breaks the constraint must not take it."""
    sql("CREATE TABLE pairs (a int PRIMARY KEY, b int REFERENCES pairs DEFERRABLE INITIALLY DEFERRED)")
    world.hooks["post"] = lambda step: sql("INSERT INTO pairs VALUES (1, 2)")
    saga_id, order = begin()
    status = finish(saga_id)
    assert status.status == "parked"
    assert "ForeignKeyViolation" in status.reason
    assert types(saga_id)[3:6] == ["call.completed send", "step.failed post", "step.failed post"]
    assert world.provider.requests.total() == 1
    assert sql("SELECT * FROM pairs") == []
    assert world.notes(order) == ["reserved"]


def test_r16_after_a_crash_a_remote_outcome_is_flushed_before_a_local_step_runs(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now(), wake_at = now()")
    seen: list[int] = []
    world.hooks["post"] = lambda step: seen.append(outside_count())
    finish(saga_id)
    assert seen == [1]


def outside_count() -> int:
    """Recorded outcomes of calls that others can see."""
    with psycopg.connect(dsn(), autocommit=True) as other:
        row = other.execute("SELECT count(*) FROM sagas_ledgerentry WHERE type = 'call.completed'").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_r18_the_databases_own_trouble_is_neither_a_failure_nor_an_attempt(
    begin: Begin, finish: Finish, sqlstate: str
) -> None:
    left = [1, 1]
    saga_id, order = begin()

    def trouble(step: object) -> None:
        if left:
            left.pop()
            sql(f"DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '{sqlstate}'; END $$")

    world.hooks["post"] = trouble
    assert finish(saga_id).status == "completed"
    assert "step.failed post" not in types(saga_id)
    assert world.provider.requests.total() == 1
    assert world.notes(order) == ["reserved", "posted"]
    # The receipt was saved alone before the step ran again.
    receipt = sql("SELECT xmin::text FROM sagas_ledgerentry WHERE type = 'call.completed'")
    assert receipt != sql("SELECT xmin::text FROM sagas_ledgerentry WHERE step = 'post'")


def test_r18_a_connection_that_dies_inside_a_local_step_costs_no_attempt(begin: Begin, finish: Finish) -> None:
    left = [1]
    saga_id, order = begin()

    def die(step: object) -> None:
        if left:
            left.pop()
            sql("SELECT pg_terminate_backend(pg_backend_pid())")

    world.hooks["post"] = die
    assert finish(saga_id).status == "completed"
    assert "step.failed post" not in types(saga_id)
    assert world.provider.requests.total() == 1
    assert world.notes(order) == ["reserved", "posted"]


def test_r18_with_all_connections_cut_again_and_again_every_saga_ends(begin: Begin, engine: Runner) -> None:
    """Also those of the threads that call providers and read our database there."""
    begun = [begin() for _ in range(20)]
    cuts = iter(range(3))

    def read_and_cut(call: RemoteCall) -> None:
        sql("SELECT 1")
        if next(cuts, None) is not None:
            elsewhere(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    world.provider.on_call = read_and_cut
    end = time.monotonic() + 60
    connections.close_all()
    while {row[0] for row in elsewhere("SELECT status FROM sagas_sagastatus")} != {"completed"}:
        assert time.monotonic() < end, elsewhere("SELECT status, reason FROM sagas_sagastatus WHERE status = 'parked'")
        engine.drain("default")
        engine.wait_until_idle(seconds=30)
    connections.close_all()
    assert list(world.provider.effects.values()) == [1] * 20
    assert all(world.notes(order) == ["reserved", "posted"] for _, order in begun)


def test_r19_a_commit_whose_answer_is_lost_is_never_sent_again(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit arrives, its answer does not: the activation is dropped and the ledger says what happened."""
    saga_id, order = begin()
    lost: list[bool] = []
    wrapper: Any = type(connections["default"])
    commit = wrapper._commit

    def commit_and_lose(self: Any) -> None:
        commit(self)
        if not lost and threading.current_thread().name.startswith("recourse-saga"):
            lost.append(True)
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(wrapper, "_commit", commit_and_lose)
    assert finish(saga_id).status == "completed"
    assert lost == [True]
    assert world.notes(order) == ["reserved", "posted"]
    assert max(world.provider.effects.values()) == 1


def test_r19_a_grouped_flush_whose_answer_is_lost_drops_the_activation(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[bool] = []
    write = ledger.write

    def write_and_lose(cursor: Any, given: Any, **options: Any) -> Any:
        answer = write(cursor, given, **options)
        if not lost and threading.current_thread().name == "recourse-flusher":
            lost.append(True)
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return answer

    monkeypatch.setattr(ledger, "write", write_and_lose)
    saga_id, _ = begin("tests.six_calls")
    assert finish(saga_id).status == "completed"
    assert lost == [True]
    assert set(world.provider.effects.values()) == {1}
    assert len(world.provider.effects) == 6


def test_r19_a_token_is_given_back_after_a_lost_answer_so_that_recovery_costs_no_lease(
    begin: Begin, engine: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(cursor: Any, given: Any, **options: Any) -> Any:
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    begin("tests.six_calls")
    monkeypatch.setattr(ledger, "write", lose)
    engine.drain("default")
    assert engine.wait_until_idle(seconds=10)
    assert sql("SELECT lease_token, wake_at <= clock_timestamp() FROM sagas_saga") == [(None, True)]


def test_r20_a_saga_flushes_no_more_than_its_remote_attempts_allow(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin("tests.six_calls")
    finish(saga_id)
    remote_attempts = types(saga_id).count("call.intended book")
    assert remote_attempts == 6
    assert flushes(saga_id) - 1 == remote_attempts + 1  # R20 allows r + 2


def test_r20_a_saga_with_local_steps_needs_no_more_flushes(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin("tests.pay")
    finish(saga_id)
    assert flushes(saga_id) - 1 == 2  # one remote attempt: the intent, and the end


def test_r20_a_wait_costs_at_most_two_flushes(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin("tests.pay")

    def lose(call: RemoteCall) -> None:
        raise ConnectionResetError

    world.provider.on_answer = lose
    finish(saga_id)
    waits = types(saga_id).count("call.unknown send")
    assert waits == 1
    assert flushes(saga_id) - 1 <= 1 + 2 + 2 * waits


def test_r20_statements_and_commits_of_six_remote_steps(begin: Begin, finish: Finish, engine: Runner) -> None:
    warm, _ = begin("tests.six_calls")
    finish(warm)
    begin("tests.six_calls")
    before, commits_before = counts.snapshot(), commits()
    engine.drain("default")
    assert engine.wait_until_idle(seconds=30)
    after = counts.snapshot()
    # claim, load, seven flushes, the hint's flag and the two claims that find nothing more
    assert after.flushes - before.flushes == 7
    assert after.statements - before.statements == 12
    # PostgreSQL's own count: each of them is a transaction of its own, and this test's reads are the rest.
    assert commits() - commits_before <= 12 + 4


def commits() -> int:
    sql("SELECT pg_stat_force_next_flush()")
    return int(sql("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")[0][0])


def test_r21_flushes_of_several_sagas_are_one_statement(begin: Begin, engine: Runner) -> None:
    """Eight sagas meet at their first intent; while one flush is under way the others gather."""
    for _ in range(8):
        begin("tests.six_calls")
    gathered = threading.Barrier(8, timeout=20)
    world.provider.on_call = lambda call: (gathered.wait(), None)[1]
    before = counts.snapshot()
    engine.drain("default")
    assert engine.wait_until_idle(seconds=30)
    after = counts.snapshot()
    assert after.flushes - before.flushes == 8 * 7
    assert after.statements - before.statements < 8 * 7
    assert {row[0] for row in sql("SELECT status FROM sagas_sagastatus")} == {"completed"}


def test_r21_a_saga_that_is_fenced_out_does_not_hold_up_the_others_of_its_statement(begin: Begin) -> None:
    lost, _ = begin()
    kept, _ = begin()
    claimed = {item.id: item for item in ledger.claim(queue="default", bands=[1], limit=2)}
    sql("UPDATE sagas_saga SET lease_token = gen_random_uuid() WHERE id = %s", lost)
    from sagas.connections import engine_cursor

    with engine_cursor() as cursor:
        passed = ledger.write(cursor, [parking(claimed[lost]), parking(claimed[kept])])
    assert set(passed) == {kept}
    assert types(lost) == ["saga.started"]
    assert types(kept) == ["saga.started", "saga.parked"]
