"""A channel sees the sagas that it started, their ledgers, and whether the hash chain verifies."""

from uuid import uuid4

import pytest
from django.db import connection

from payments.services.accounts import open_settlement_account
from sagas.models import LedgerEntry, Saga, SagaStatus
from sagas.runner import Runner
from tests.api.caller import Caller, is_problem, order
from tests.integration.bank import customer


def _run_everything() -> None:
    runner = Runner()
    try:
        runner.drain("default")
        assert runner.wait_until_idle(seconds=30)
    finally:
        runner.stop(seconds=10)


@pytest.fixture
def links(shop: Caller) -> dict[str, str]:
    """The links of a new payment whose customer lacks the money: its saga is undone without the rail."""
    open_settlement_account(rail="instant", name="Settlement", currency="EUR")
    found: dict[str, str] = shop.order(order(customer("1.00"))).json()["links"]
    return found


def test_a_new_saga_waits_for_a_worker(shop: Caller, links: dict[str, str]) -> None:
    shown = shop.get(links["saga"]).json()
    saga = Saga.objects.get()
    assert (shown["id"], shown["definition"], shown["version"]) == (str(saga.pk), "payments.credit_transfer", 1)
    assert (shown["status"], shown["ended_at"], shown["reason"]) == ("running", None, "")
    assert shown["waiting_until"] is not None
    assert shown["head"] == {"seq": 1, "hash": bytes(saga.head_hash).hex()}
    assert shown["chain_verified"] is True


def test_an_ended_saga_says_why_it_was_undone_and_waits_for_nothing(shop: Caller, links: dict[str, str]) -> None:
    before = shop.get(links["saga"])
    _run_everything()
    shown = shop.get(links["saga"], If_None_Match=before["ETag"]).json()
    assert (shown["status"], shown["waiting_until"]) == ("undone", None)
    assert shown["ended_at"] is not None
    assert "AM04" in shown["reason"]
    assert shop.get(links["self"]).json()["reason"]["code"] == "AM04"


def test_the_entries_are_the_ledger_in_order_and_each_covers_the_one_before(
    shop: Caller, links: dict[str, str]
) -> None:
    _run_everything()
    seen: list[dict[str, object]] = []
    address: str | None = f"{links['saga']}/entries?limit=2"
    while address:
        page = shop.get(address).json()
        seen += page["results"]
        address = page["next"]
    assert [entry["seq"] for entry in seen] == list(range(1, LedgerEntry.objects.count() + 1))
    assert [entry["prev_hash"] for entry in seen[1:]] == [entry["hash"] for entry in seen[:-1]]
    assert seen[-1]["hash"] == shop.get(links["saga"]).json()["head"]["hash"]
    assert (seen[0]["type"], seen[-1]["type"]) == ("saga.started", "saga.undone")
    body = seen[0]["body"]
    assert isinstance(body, dict)
    assert body["channel"] == f"api:{shop.client_id}"


def test_a_ledger_that_was_tampered_with_does_not_verify(shop: Caller, links: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sagas_ledgerentry DISABLE TRIGGER append_only")  # as the table's owner can
        cursor.execute("UPDATE sagas_ledgerentry SET actor = 'nobody'")
    assert shop.get(links["saga"]).json()["chain_verified"] is False


def test_a_saga_of_another_channel_is_not_found(shop: Caller, links: dict[str, str]) -> None:
    other = Caller.new(name="till")
    assert SagaStatus.objects.count() == 1
    for address in (links["saga"], f"{links['saga']}/entries", f"/api/v1/sagas/{uuid4()}"):
        assert is_problem(other.get(address), 404, "not-found")
