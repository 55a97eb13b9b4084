"""Who may run a saga, for how long, and what a worker that lost its lease can still do: nothing."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import transaction

from sagas import RemoteCall, ledger, limits
from sagas.connections import close_connection
from sagas.custody import POISON_STARTS
from sagas.ledger import Claimed
from sagas.models import Saga, SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


def claim(*, limit: int = 10, queue: str = "default") -> list[Claimed]:
    return ledger.claim(queue=queue, bands=[0, 1, 2], limit=limit)


def expire(saga_id: UUID) -> None:
    """As if the lease's time had passed."""
    past = "now() - interval '1 s'"
    sql(f"UPDATE sagas_saga SET lease_expires_at = {past}, wake_at = {past} WHERE id = %s", saga_id)


def test_r04_a_claimed_saga_is_not_claimed_again_while_its_lease_lives(begin: Begin) -> None:
    saga_id, _ = begin()
    assert [claimed.id for claimed in claim()] == [saga_id]
    assert claim() == []


def test_r04_a_claim_sets_the_wake_up_to_the_end_of_the_lease(begin: Begin) -> None:
    saga_id, _ = begin()
    claim()
    row = Saga.objects.get(id=saga_id)
    assert row.wake_at == row.lease_expires_at
    assert row.wake_at is not None


def test_r04_an_abandoned_saga_is_claimed_with_another_token(begin: Begin) -> None:
    saga_id, _ = begin()
    (first,) = claim()
    assert not first.abandoned
    expire(saga_id)
    (second,) = claim()
    assert second.abandoned
    assert second.token != first.token


def test_r04_a_claim_passes_over_rows_that_are_locked(begin: Begin) -> None:
    """A sender or another claimer holds the row: the claim takes the next one instead of waiting."""
    locked, _ = begin()
    free, _ = begin()
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            sql("SELECT 1 FROM sagas_saga WHERE id = %s FOR NO KEY UPDATE", locked)
            held.set()
            release.wait(30)
        close_connection()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    assert [claimed.id for claimed in claim()] == [free]
    release.set()
    holder.join()


def test_r04_a_row_whose_foreign_key_is_being_checked_is_claimed_all_the_same(begin: Begin) -> None:
    """Such a check holds FOR KEY SHARE, which plain FOR UPDATE would skip."""
    saga_id, _ = begin()
    held, release = threading.Event(), threading.Event()

    def refer() -> None:
        with transaction.atomic():
            sql("SELECT 1 FROM sagas_saga WHERE id = %s FOR KEY SHARE", saga_id)
            held.set()
            release.wait(30)
        close_connection()

    referrer = threading.Thread(target=refer)
    referrer.start()
    held.wait(30)
    assert [claimed.id for claimed in claim()] == [saga_id]
    release.set()
    referrer.join()


def test_r04_urgent_sagas_are_claimed_before_older_ones(begin: Begin) -> None:
    bulk, _ = begin()
    normal, _ = begin()
    urgent, _ = begin()
    sql("UPDATE sagas_saga SET priority = 2 WHERE id = %s", bulk)
    sql("UPDATE sagas_saga SET priority = 0 WHERE id = %s", urgent)
    assert [claim(limit=1)[0].id for _ in range(3)] == [urgent, normal, bulk]


def test_r04_sagas_that_have_begun_are_claimed_before_older_ones_that_have_not(begin: Begin) -> None:
    """After a crash in a long import: the payments with money on hold come before the rest of the file."""
    fresh, _ = begin()
    begun, _ = begin()
    sql("UPDATE sagas_saga SET begun = true WHERE id = %s", begun)
    assert [claim(limit=1)[0].id for _ in range(2)] == [begun, fresh]


def test_r04_a_claim_uses_the_index_however_many_sagas_sleep() -> None:
    from sagas import statements

    with transaction.atomic():
        sql(
            "INSERT INTO sagas_saga (id, definition, version, queue, priority, begun, wake_at, inbox_seq, starts, "
            "head_seq, head_hash, ended) SELECT gen_random_uuid(), 'tests.pay', 1, 'default', 1, true, "
            "now() + interval '1 hour', 0, 0, 1, sha256('x'), false FROM generate_series(1, 20000)"
        )
        sql("ANALYZE sagas_saga")
        plan = "\n".join(
            row[0]
            for row in sql_named(
                "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) " + statements.CLAIM,
                {"queue": "default", "bands": [0, 1, 2], "limit": 10, "lease": timedelta(seconds=1)},
            )
        )
        transaction.set_rollback(True)
    assert "sagas_due" in plan
    assert "Seq Scan on sagas_saga" not in plan


def sql_named(statement: str, parameters: dict[str, object]) -> list[tuple[str]]:
    from sagas.connections import engine_cursor

    with engine_cursor() as cursor:
        return cursor.execute(statement, parameters).fetchall()


def test_r05_a_late_extension_cannot_revive_a_finished_saga(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    (claimed,) = claim()
    expire(saga_id)
    assert finish(saga_id).status == "completed"
    assert not ledger.extend(saga_id, claimed.token)
    assert not ledger.release(saga_id, claimed.token)
    row = Saga.objects.get(id=saga_id)
    assert (row.lease_token, row.wake_at, row.ended) == (None, None, True)


def test_r05_the_database_refuses_to_reopen_a_finished_saga(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    finish(saga_id)
    with pytest.raises(Exception, match="has ended and never reopens"):
        sql("UPDATE sagas_saga SET ended = false, wake_at = now() WHERE id = %s", saga_id)


def test_r06_a_saga_that_was_claimed_and_not_started_is_given_back(begin: Begin, engine: Runner) -> None:
    engine.stopping.set()
    saga_id, _ = begin()
    work = engine._claim("default", 1)
    engine._run(work[0])
    row = Saga.objects.get(id=saga_id)
    assert (row.lease_token, row.starts) == (None, 0)
    assert types(saga_id) == ["saga.started"]


def test_r06_claims_that_never_started_do_not_make_a_saga_poisonous(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    for _ in range(3 * POISON_STARTS):
        claim()
        expire(saga_id)
    assert finish(saga_id).status == "completed"


def test_r06_a_saga_whose_every_start_ends_with_its_process_is_parked(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    claim()
    for _ in range(POISON_STARTS):
        expire(saga_id)
        (again,) = claim()
        ledger.count_start(saga_id, again.token)  # and then the process dies
    expire(saga_id)
    status = finish(saga_id)
    assert status.status == "parked"
    assert "ended abnormally" in status.reason
    assert status.parked_owner
    assert status.parked_due_at is not None


def test_r06_progress_clears_what_was_counted(begin: Begin, finish: Finish) -> None:
    saga_id, _ = begin()
    sql("UPDATE sagas_saga SET starts = %s WHERE id = %s", POISON_STARTS, saga_id)
    assert finish(saga_id).status == "completed"
    assert Saga.objects.get(id=saga_id).starts == 0


def test_r07_the_lease_is_kept_while_a_slow_provider_works(
    begin: Begin, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.SAGAS, "LEASE", timedelta(seconds=0.6))
    tokens = []

    def slowly(call: RemoteCall) -> None:
        for _ in range(5):
            time.sleep(0.3)  # the provider's own time, longer than the lease
            tokens.append(sql("SELECT lease_token, lease_expires_at > clock_timestamp() FROM sagas_saga")[0])

    world.provider.on_call = slowly
    saga_id, _ = begin()
    assert finish(saga_id).status == "completed"
    assert len(set(tokens)) == 1
    assert all(alive for _, alive in tokens)


def test_r07_a_call_past_its_time_limit_is_an_unknown_outcome(begin: Begin, finish: Finish) -> None:
    send = world.send
    gate = threading.Event()
    world.provider.on_call = lambda call: (gate.wait(30), None)[1] if call.attempt == 1 else None
    send.timeout, before = timedelta(milliseconds=50), send.timeout
    try:
        saga_id, _ = begin()
        assert finish(saga_id).status == "completed"
    finally:
        send.timeout = before
        gate.set()
    assert "call.unknown send" in types(saga_id)
    assert max(world.provider.effects.values()) == 1


def test_r08_the_role_gets_limits_below_the_lease() -> None:
    limits.set_limits()
    try:
        assert limits.missing() == []
        with psycopg.connect(sql_url()) as session:
            idle = session.execute("SHOW idle_in_transaction_session_timeout").fetchone()
            lock = session.execute("SHOW lock_timeout").fetchone()
        lease_ms = ledger.lease().total_seconds() * 1000
        assert idle is not None
        assert lock is not None
        assert milliseconds(idle[0]) < lease_ms
        assert milliseconds(lock[0]) < lease_ms
    finally:
        sql("ALTER ROLE CURRENT_USER IN DATABASE " + sql("SELECT quote_ident(current_database())")[0][0] + " RESET ALL")


def test_r08_a_check_before_deploy_names_the_limits_that_are_missing() -> None:
    assert "lock_timeout" in limits.check_limits(None, ["default"])[0].msg


def milliseconds(shown: str) -> int:
    return int(sql("SELECT extract(epoch FROM %s::interval) * 1000", shown)[0][0])


def sql_url() -> str:
    import os

    return os.environ["DATABASE_URL"]


def test_r15_a_flush_without_the_token_writes_nothing_anywhere(begin: Begin) -> None:
    from sagas.connections import engine_cursor
    from sagas.entries import ChainHead, EntryType

    saga_id, _ = begin()
    claim()
    entries = ledger.load([saga_id])[saga_id]
    head = ChainHead(saga_id=saga_id, seq=1, hash=entries[0].hash)
    entry = head.link(EntryType.COMPLETED, at=entries[0].at, actor="nobody")
    flush = ledger.Flush(
        saga_id=saga_id,
        token=uuid4(),
        entries=[entry],
        head_seq=head.seq,
        head_hash=head.hash,
        at=entry.at,
        leaves=True,
        ended=True,
        status=ledger.StatusChange(status="completed"),
    )
    with engine_cursor() as cursor:
        assert ledger.write(cursor, [flush]) == {}
    assert types(saga_id) == ["saga.started"]
    assert SagaStatus.objects.get(saga_id=saga_id).status == "running"


def test_r15_a_worker_that_lost_its_lease_before_a_flush_calls_nothing(begin: Begin, engine: Runner) -> None:
    """The lease is taken away inside the first local step, as if the process had been frozen there."""
    saga_id, order = begin()

    def lose_lease(step: object) -> None:
        # In the step's own transaction: the flush at its end finds another token.
        sql("UPDATE sagas_saga SET lease_token = gen_random_uuid() WHERE id = %s", saga_id)

    world.hooks["reserve"] = lose_lease
    engine.drain("default")
    engine.wait_until_idle(seconds=10)
    assert types(saga_id) == ["saga.started"]
    assert world.notes(order) == []
    assert not world.provider.requests
