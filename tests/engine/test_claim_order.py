"""Which saga a claim takes, and which it leaves to others."""

from collections.abc import Callable
from uuid import UUID

from sagas import ledger, start
from sagas.models import Saga
from tests.engine import world
from tests.engine.conftest import sql

Begin = Callable[..., tuple[UUID, world.Order]]


def claim_one() -> UUID:
    (claimed,) = ledger.claim(queue="default", bands=[0, 1, 2], limit=1)
    return claimed.id


def test_r01_a_repeated_key_leads_to_the_saga_of_its_own_channel() -> None:
    """Two channels use one key for different requests: each repeat must find its own saga, and no conflict."""
    ours, theirs = world.new_order(), world.new_order()
    first = start("tests.pay", ours, channel="ours", idempotency_key="key")
    second = start("tests.pay", theirs, channel="theirs", idempotency_key="key")
    assert start("tests.pay", ours, channel="ours", idempotency_key="key").saga_id == first.saga_id
    assert start("tests.pay", theirs, channel="theirs", idempotency_key="key").saga_id == second.saga_id


def test_r01_a_repeated_key_leads_to_the_saga_of_its_own_definition() -> None:
    order, another = world.new_order(), world.new_order()
    paid = start("tests.pay", order, channel="tests", idempotency_key="key")
    travelled = start("tests.trip", another, channel="tests", idempotency_key="key")
    assert start("tests.pay", order, channel="tests", idempotency_key="key").saga_id == paid.saga_id
    assert start("tests.trip", another, channel="tests", idempotency_key="key").saga_id == travelled.saga_id


def test_r04_a_claim_takes_no_saga_of_another_queue(begin: Begin) -> None:
    theirs, _ = begin()
    ours, _ = begin()
    sql("UPDATE sagas_saga SET queue = 'payouts' WHERE id = %s", theirs)
    assert [claimed.id for claimed in ledger.claim(queue="default", bands=[0, 1, 2], limit=10)] == [ours]
    assert [claimed.id for claimed in ledger.claim(queue="payouts", bands=[0, 1, 2], limit=10)] == [theirs]


def test_r04_in_a_band_the_saga_that_was_due_first_is_claimed_first(begin: Begin) -> None:
    late, _ = begin()
    early, _ = begin()
    sql("UPDATE sagas_saga SET wake_at = now() - interval '1 minute' WHERE id = %s", late)
    sql("UPDATE sagas_saga SET wake_at = now() - interval '1 hour' WHERE id = %s", early)
    assert [claim_one(), claim_one()] == [early, late]


def test_r04_a_saga_that_was_claimed_once_comes_before_older_ones_that_never_were(begin: Begin) -> None:
    begun, _ = begin()
    (claimed,) = ledger.claim(queue="default", bands=[1], limit=1)
    ledger.release(begun, claimed.token)
    fresh, _ = begin()
    sql("UPDATE sagas_saga SET wake_at = now() - interval '1 hour' WHERE id = %s", fresh)
    assert Saga.objects.get(id=begun).begun
    assert [claim_one(), claim_one()] == [begun, fresh]
