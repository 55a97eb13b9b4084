"""Starting a saga: once per key, with the caller's rows, or not at all."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connection, transaction

from sagas import IdempotencyConflict, PayloadRefused, Started, start
from sagas.connections import close_connection
from sagas.errors import UnknownDefinition
from sagas.models import IdempotencyKey, LedgerEntry, Saga, SagaStatus
from tests.engine import world


def start_once(order: world.Order, *, key: str = "key", **options: object) -> Started:
    return start("tests.pay", order, channel="tests", idempotency_key=key, **options)  # type: ignore[arg-type]


def rows() -> tuple[int, int, int, int]:
    models = (Saga, SagaStatus, LedgerEntry, IdempotencyKey)
    return tuple(model.objects.count() for model in models)  # type: ignore[return-value]


def test_r01_the_same_key_starts_one_saga() -> None:
    order = world.new_order()
    first, second = start_once(order), start_once(order)
    assert (first.created, second.created) == (True, False)
    assert first.saga_id == second.saga_id
    assert rows() == (1, 1, 1, 1)


def test_r01_racing_starts_with_one_key_give_one_saga_to_all() -> None:
    order = world.new_order()
    together = threading.Barrier(8)

    def race(_: int) -> Started:
        try:
            together.wait()
            return start_once(order)
        finally:
            close_connection()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(race, range(8)))
    assert len({result.saga_id for result in results}) == 1
    assert sum(result.created for result in results) == 1
    assert rows() == (1, 1, 1, 1)


def test_r01_a_loser_waits_for_an_open_winner_and_starts_itself_when_that_rolls_back() -> None:
    """A loser that read in its first statement would see neither the winner's row nor its absence."""
    order = world.new_order()
    begun, results = threading.Event(), []

    def lose() -> None:
        begun.set()
        results.append(start_once(order))
        close_connection()

    loser = threading.Thread(target=lose)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        winner = start_once(order)
        loser.start()
        begun.wait()
        wait_until_blocked()
        assert results == []
        raise ZeroDivisionError
    loser.join()
    assert results[0].created
    assert results[0].saga_id != winner.saga_id


def wait_until_blocked() -> None:
    """Until a session of this database waits for a lock of ours."""
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for a lock")


def test_r01_the_same_key_with_another_request_is_refused() -> None:
    start_once(world.new_order())
    with pytest.raises(IdempotencyConflict, match="another request"):
        start_once(world.new_order())
    assert rows() == (1, 1, 1, 1)


def test_r01_the_order_of_a_requests_keys_is_irrelevant() -> None:
    order = world.new_order()
    start_once(order, request={"a": 1, "b": {"c": 2, "d": 3}})
    assert not start_once(order, request={"b": {"d": 3, "c": 2}, "a": 1}).created


@pytest.mark.parametrize("other", [{"channel": "elsewhere"}, {"definition": "tests.trip"}])
def test_r01_a_key_belongs_to_its_channel_and_definition(other: dict[str, str]) -> None:
    order = world.new_order()
    start_once(order)
    names = {"definition": "tests.pay", "channel": "tests", **other}
    assert start(names["definition"], order, channel=names["channel"], idempotency_key="key").created


def test_r03_a_start_shares_the_fate_of_the_callers_rows() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        start_once(world.new_order())
        world.write("row", "of the caller 1")
        raise ZeroDivisionError
    assert rows() == (0, 0, 0, 0)


def test_r03_no_hint_is_sent_for_a_start_that_rolls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr("sagas.hints.publish", sent.append)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        start_once(world.new_order())
        raise ZeroDivisionError
    assert sent == []
    start_once(world.new_order(), key="another")
    assert sent == ["default"]


def test_r03_a_broker_that_is_down_does_not_stop_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(queue: str) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("sagas.hints.publish", down)
    assert start_once(world.new_order()).created


def test_r22_hints_are_coalesced_until_a_drain_lowers_the_flag(
    monkeypatch: pytest.MonkeyPatch, begin: Callable[[], tuple[UUID, object]], finish: Callable[..., SagaStatus]
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("sagas.hints.publish", sent.append)
    for _ in range(3):
        saga_id, _order = begin()
    assert sent == ["default"]
    finish(saga_id)
    begin()
    assert sent == ["default", "default"]


def test_a_business_key_names_one_saga() -> None:
    start_once(world.new_order(), business_key="UETR-1")
    with pytest.raises(IdempotencyConflict, match="UETR-1"):
        start_once(world.new_order(), key="another", business_key="UETR-1")
    assert rows() == (1, 1, 1, 1)


def test_the_fingerprint_cannot_be_recomputed_from_the_request_alone() -> None:
    order = world.new_order()
    start_once(order, key="one")
    start_once(order, key="two")
    one, two = IdempotencyKey.objects.order_by("key")
    assert bytes(one.fingerprint) != bytes(two.fingerprint)


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_an_unfit_key_is_refused_with_its_limit(key: str) -> None:
    with pytest.raises(ValueError, match="idempotency_key: .* allowed are 1 to 255"):
        start_once(world.new_order(), key=key)
    assert rows() == (0, 0, 0, 0)


def test_a_payload_of_the_wrong_type_is_refused_before_anything_is_stored() -> None:
    with pytest.raises(PayloadRefused, match="tests.pay.order"):
        start("tests.pay", "no order", channel="tests", idempotency_key="key")
    assert rows() == (0, 0, 0, 0)


def test_a_saga_that_nobody_declared_is_refused() -> None:
    with pytest.raises(UnknownDefinition, match="tests.nothing"):
        start("tests.nothing", world.new_order(), channel="tests", idempotency_key="key")


def test_a_start_is_one_statement() -> None:
    from sagas.counts import counts

    start_once(world.new_order(), key="warm the clock")
    before = counts.snapshot()
    start_once(world.new_order())
    after = counts.snapshot()
    assert after.statements - before.statements == 2  # the start, and the hint's flag
