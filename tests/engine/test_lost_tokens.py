"""A holder whose token was lost can neither keep its saga, nor give it back, nor count its start, nor open it."""

from collections.abc import Callable
from uuid import UUID

import pytest

from sagas import ledger
from sagas.business import BusinessTransaction
from sagas.control import LeaseLost
from tests.engine import world
from tests.engine.conftest import sql

Begin = Callable[..., tuple[UUID, world.Order]]

STATE = "SELECT lease_token, lease_expires_at, wake_at, starts FROM sagas_saga"


@pytest.fixture
def lost(begin: Begin) -> ledger.Claimed:
    """What the first holder still believes to hold: its lease ran out, and another one has claimed the saga."""
    begin()
    (first,) = ledger.claim(queue="default", bands=[1], limit=1)
    sql("UPDATE sagas_saga SET lease_expires_at = now() - interval '1 s', wake_at = now() - interval '1 s'")
    (second,) = ledger.claim(queue="default", bands=[1], limit=1)
    assert second.token != first.token
    return first


@pytest.mark.parametrize(
    "act",
    [ledger.extend, ledger.release, ledger.give_back_abandoned, ledger.count_start, ledger.holds],
    ids=lambda function: function.__name__,
)
def test_r05_a_lost_token_changes_nothing_and_is_told_so(lost: ledger.Claimed, act: Callable[..., object]) -> None:
    before = sql(STATE)
    answer = act(lost.id, lost.token)
    assert answer is None or answer is False  # the inbox's number, which may be 0, is what a holder is told
    assert sql(STATE) == before


def test_r14_a_transaction_does_not_open_with_a_lost_token(lost: ledger.Claimed) -> None:
    """Its flush would be fenced out all the same, but only after every step's body has run, and locked its accounts."""
    with pytest.raises(LeaseLost):
        BusinessTransaction(lost.id, lost.token)
