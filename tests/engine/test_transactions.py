"""Transactions of local steps: how long they are, what one step leaves to the next, and what follows a rollback."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection, transaction

from sagas import LocalContext, Rejected, RemoteCall, Saga, ledger, saga
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere, sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


@saga("tests.three_locals", version=1)
def three_locals(s: Saga, order: world.Order) -> int:
    """Three local steps that share a transaction if nothing is the matter; a refused one is done without."""
    done = 0
    for _ in range(3):
        try:
            s.run(world.reserve, order)
            done += 1
        except Rejected:
            continue
    return done


def once(what: Callable[[LocalContext], Any], *, at: int) -> Callable[[LocalContext], None]:
    """Does `what` in the step's run of this number, and nothing in the others."""
    runs = iter(range(1, 100))

    def hook(step: LocalContext) -> None:
        if next(runs) == at:
            what(step)

    return hook


def sizes(saga_id: UUID) -> list[int]:
    """How many entries each flush after the start has written, in order."""
    counted = sql(
        "SELECT count(*), min(seq) FROM sagas_ledgerentry WHERE saga_id = %s AND seq > 1 GROUP BY xmin::text"
        " ORDER BY 2",
        saga_id,
    )
    return [row[0] for row in counted]


def test_r13_a_transaction_ends_after_a_quarter_of_a_second(begin: Begin, finish: Finish) -> None:
    """Its row lock keeps senders waiting."""
    world.hooks["reserve"] = once(lambda step: time.sleep(0.3), at=1)
    saga_id, _ = begin("tests.three_locals")
    assert finish(saga_id).status == "completed"
    assert sizes(saga_id)[0] == 1


def test_r16_a_step_may_break_a_deferred_constraint_for_a_while_after_another_step(
    begin: Begin, finish: Finish
) -> None:
    """The check at the end of the first step must not make the constraints of the second one immediate."""
    sql("CREATE TABLE pairs (a int PRIMARY KEY, b int REFERENCES pairs DEFERRABLE INITIALLY DEFERRED)")

    def insert_a_pair(step: LocalContext) -> None:
        sql("INSERT INTO pairs VALUES (1, 2)")
        sql("INSERT INTO pairs VALUES (2, 1)")

    world.hooks["reserve"] = once(insert_a_pair, at=2)
    saga_id, _ = begin("tests.three_locals")
    assert finish(saga_id).status == "completed"
    assert "step.failed reserve" not in types(saga_id)


def test_r16_a_step_may_break_a_deferred_constraint_for_a_while_after_a_refused_step(
    begin: Begin, finish: Finish
) -> None:
    sql("CREATE TABLE pairs (a int PRIMARY KEY, b int REFERENCES pairs DEFERRABLE INITIALLY DEFERRED)")
    runs = iter((1, 2, 3))

    def refuse_then_insert_a_pair(step: LocalContext) -> None:
        match next(runs):
            case 2:
                raise Rejected("NARR", "no")
            case 3:
                sql("INSERT INTO pairs VALUES (1, 2)")
                sql("INSERT INTO pairs VALUES (2, 1)")

    world.hooks["reserve"] = refuse_then_insert_a_pair
    saga_id, _ = begin("tests.three_locals")
    assert finish(saga_id).status == "completed"
    assert "step.failed reserve" not in types(saga_id)


def test_r16_after_a_crash_each_local_step_is_a_transaction_of_its_own(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin("tests.three_locals")
    ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now(), wake_at = now()")
    assert finish(saga_id).status == "completed"
    assert sizes(saga_id) == [1, 1, 1, 1]


def test_r18_after_a_rollback_each_local_step_is_a_transaction_of_its_own(begin: Begin, finish: Finish) -> None:
    def trouble(step: LocalContext) -> None:
        sql("DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '40001'; END $$")

    world.hooks["reserve"] = once(trouble, at=3)
    saga_id, _ = begin("tests.three_locals")
    assert finish(saga_id).status == "completed"
    assert sizes(saga_id) == [1, 1, 1, 1]
    assert "step.failed reserve" not in types(saga_id)


def test_r18_a_cancelled_statement_is_neither_a_failure_nor_an_attempt(begin: Begin, finish: Finish) -> None:
    world.hooks["reserve"] = once(lambda step: sql("SET LOCAL statement_timeout = 20; SELECT pg_sleep(1)"), at=1)
    saga_id, _ = begin("tests.three_locals")
    assert finish(saga_id).status == "completed"
    assert "step.failed reserve" not in types(saga_id)


def test_r18_a_providers_refusal_survives_the_rollback_of_what_followed_it(begin: Begin, finish: Finish) -> None:
    """Forgotten, it would be asked for again, under the same key, of a provider that may have changed its mind."""
    world.provider.refusal = Rejected("AC04", "closed")

    def trouble(step: LocalContext) -> None:
        sql("DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '40001'; END $$")

    world.hooks["release"] = once(trouble, at=1)
    saga_id, _ = begin()
    assert finish(saga_id).status == "undone"
    assert (world.provider.requests.total(), world.provider.inquiries) == (1, 0)
    refusal = sql("SELECT xmin::text FROM sagas_ledgerentry WHERE type = 'call.rejected'")
    assert refusal != sql("SELECT xmin::text FROM sagas_ledgerentry WHERE type = 'undo.begun'")


def test_r19_an_entry_that_exists_already_means_that_the_token_was_lost(begin: Begin, engine: Runner) -> None:
    """Nothing is counted against the saga and nothing given back: it is somebody else's."""
    saga_id, _ = begin()

    def somebody_writes(call: RemoteCall) -> None:
        elsewhere(
            "INSERT INTO sagas_ledgerentry SELECT saga_id, 4, type, path, step, direction, attempt, idempotency_key,"
            " body, salt, prev_hash, hash, at, actor FROM sagas_ledgerentry WHERE seq = 3"
        )

    world.provider.on_call = somebody_writes
    engine.drain("default", seconds=0.2)
    assert engine.wait_until_idle(seconds=10)
    assert sql("SELECT lease_token IS NOT NULL, starts FROM sagas_saga") == [(True, 0)]
    # Leave no broken chain for the check that follows every test.
    sql("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")
    sql("DELETE FROM sagas_ledgerentry WHERE saga_id = %s AND seq = 4", saga_id)


def test_r19_a_flush_sent_alone_whose_answer_is_lost_is_never_sent_again(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes alone because its row was locked when several were written."""
    write = ledger.write
    lost: list[int] = []
    sent_again: list[int] = []

    def pass_over_then_lose(cursor: Any, given: Any, *, wait: bool = True) -> dict[UUID, int]:
        sent_again.extend(entry.seq for flush in given for entry in flush.entries if entry.seq in lost)
        receipt = any(entry.type == "call.completed" for flush in given for entry in flush.entries)
        if lost or not receipt:
            return write(cursor, given, wait=wait)
        if not wait:
            return {}
        write(cursor, given, wait=wait)
        lost.extend(entry.seq for flush in given for entry in flush.entries)
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(ledger, "write", pass_over_then_lose)
    saga_id, _ = begin("tests.six_calls")
    assert finish(saga_id).status == "completed"
    assert lost == [3, 4]  # the first receipt and the second intent
    assert sent_again == []
    assert set(world.provider.effects.values()) == {1}


def test_r28_a_hook_of_a_refused_step_is_not_run_by_the_commit_of_the_others(begin: Begin, finish: Finish) -> None:
    ran: list[str] = []

    def register_and_refuse(step: LocalContext) -> None:
        transaction.on_commit(lambda: ran.append("hook"))
        raise Rejected("NARR", "no")

    world.hooks["reserve"] = once(register_and_refuse, at=2)
    saga_id, _ = begin("tests.three_locals")
    assert finish(saga_id).status == "completed"
    assert ran == []


def test_r18_a_call_that_was_answered_is_neither_repeated_nor_asked_about_after_a_rollback(
    begin: Begin, finish: Finish
) -> None:
    """Its receipt is saved alone when the transaction that it waited in is rolled back."""

    def trouble(step: LocalContext) -> None:
        sql("DO $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '40001'; END $$")

    world.hooks["post"] = once(trouble, at=1)
    saga_id, order = begin()
    assert finish(saga_id).status == "completed"
    assert (world.provider.requests.total(), world.provider.inquiries) == (1, 0)
    assert types(saga_id)[2:4] == ["call.intended send", "call.completed send"]
    assert world.notes(order) == ["reserved", "posted"]


def test_r18_a_connection_that_is_lost_without_a_word_costs_no_attempt(begin: Begin, finish: Finish) -> None:
    """No SQLSTATE says so: the socket is gone, as after a failover."""

    def lose(step: LocalContext) -> None:
        connection.connection.close()
        sql("SELECT 1")

    world.hooks["post"] = once(lose, at=1)
    saga_id, order = begin()
    assert finish(saga_id).status == "completed"
    assert "step.failed post" not in types(saga_id)
    assert world.notes(order) == ["reserved", "posted"]


def test_r18_our_own_lost_connection_in_a_remote_step_is_not_recorded_as_the_providers(
    begin: Begin, finish: Finish
) -> None:
    """The intent stands, and whoever goes on asks the provider; none of its inquiries is spent."""
    cuts = [1]

    def read_and_be_cut(call: RemoteCall) -> None:
        if cuts:
            cuts.pop()
            sql("SELECT pg_terminate_backend(pg_backend_pid())")

    world.provider.on_answer = read_and_be_cut
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert types(saga_id)[2:4] == ["call.intended send", "call.completed send"]
    assert (world.provider.requests.total(), world.provider.inquiries) == (1, 1)
