"""A whole transfer over the simulated rail: what the rail is told, what the books say, what the customer is told."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid5

import pytest
from django.conf import settings
from django.db import connection
from moneyed import Money

from payments.intake import CreditTransferInstruction, accept_payment
from payments.models import Account, Hold, Journal, Payment, PaymentState
from payments.selectors import open_holds, settlement_account
from payments.services.accounts import open_settlement_account
from payments.steps import send_to_rail
from sagas import InquirySchedule
from sagas.models import LedgerEntry, SagaStatus
from sagas.runner import Runner
from tests.integration.bank import TODAY, again, customer
from tests.integration.simulator_process import running_simulators

CREDITOR = "FR1420041010050500013M02606"


class Bank:
    """A customer with 1,000 EUR, a rail, and a worker."""

    def __init__(self, *, runner: Runner, book: Path) -> None:
        open_settlement_account(rail="instant", name="Settlement", currency="EUR")
        self.debtor = customer("1000.00")
        self._runner = runner
        self._book = book

    def transfer(self, amount: str, *, creditor_iban: str = CREDITOR) -> Payment:
        """Order a transfer and run it until its saga has ended or parked; the payment as it is then."""
        accept_payment(
            instruction=CreditTransferInstruction(
                debtor_iban=self.debtor.iban or "",
                creditor_iban=creditor_iban,
                creditor_bic=None,
                creditor_name="Ben Okafor",
                amount=Money(Decimal(amount), "EUR"),
                end_to_end_id="INV-4711",
                remittance_information="for the piano",
                requested_execution_on=TODAY,
            ),
            channel="test",
            idempotency_key="key",
        )
        for _ in range(200):
            self._runner.drain("default", seconds=0.2)
            assert self._runner.wait_until_idle(seconds=30)
            if SagaStatus.objects.get().status in ("completed", "undone", "parked"):
                payment: Payment = Payment.objects.get()
                return payment
        raise AssertionError(SagaStatus.objects.get().status)

    def at_the_rail(self) -> list[dict[str, Any]]:
        """What the rail has decided, with the orders as it got them."""
        lines = (self._book / "instant_rail.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["kind"] == "entry"]

    def requests(self) -> int:
        lines = (self._book / "instant_rail.jsonl").read_text().splitlines()
        return sum(json.loads(line)["kind"] == "request" for line in lines)


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bank]:
    monkeypatch.setitem(settings.SAGAS, "LEASE", timedelta(seconds=10))
    at_once = InquirySchedule(delays=(timedelta(milliseconds=1),), max_inquiries=30)
    monkeypatch.setattr(send_to_rail, "inquiry_schedule", at_once)
    with running_simulators(tmp_path) as simulators:
        monkeypatch.setattr(settings, "INSTANT_RAIL_URL", simulators.url)
        runner = Runner()
        try:
            yield Bank(runner=runner, book=tmp_path)
        finally:
            runner.stop(seconds=10)


def test_the_rail_is_told_what_was_ordered_under_the_key_of_its_step(bank: Bank) -> None:
    payment = bank.transfer("12.00")
    assert payment.state == PaymentState.SETTLED
    (told,) = bank.at_the_rail()
    (key,) = set(LedgerEntry.objects.filter(step="send_to_rail").values_list("idempotency_key", flat=True))
    assert told["idempotency_key"] == key
    assert told["uetr"] == str(payment.uetr)
    assert (told["amount"], told["currency"], told["end_to_end_id"]) == ("12.00", "EUR", "INV-4711")
    assert (told["debtor_iban"], told["creditor_iban"]) == (bank.debtor.iban, CREDITOR)
    assert (told["creditor_name"], told["remittance_information"]) == ("Ben Okafor", "for the piano")


def test_a_settled_transfer_is_booked_from_the_debtor_to_our_account_at_the_rail(bank: Bank) -> None:
    payment = bank.transfer("12.00")
    (told,) = bank.at_the_rail()
    nostro: Account = settlement_account(rail="instant", currency="EUR")
    debtor = again(bank.debtor)
    assert debtor.credits_posted - debtor.debits_posted == Decimal("988.00")
    assert nostro.debits_posted - nostro.credits_posted == Decimal("-12.00")
    assert list(open_holds()) == []
    accepted_at = datetime.fromisoformat(told["accepted_at"])
    assert (payment.settled_at, payment.rail_reference) == (accepted_at, told["rail_reference"])
    assert Journal.objects.latest("booked_at").value_on == accepted_at.date()


def test_the_hold_is_placed_under_the_steps_key_so_that_a_repeated_step_holds_once(bank: Bank) -> None:
    bank.transfer("12.00")
    entry = LedgerEntry.objects.get(step="reserve_funds")
    assert Hold.objects.get().step_key == str(uuid5(entry.saga_id, f"forward/{entry.path}"))


def test_a_transfer_that_the_rail_rejects_is_rejected_with_its_reason_and_the_money_is_available(bank: Bank) -> None:
    payment = bank.transfer("12.90")
    assert (payment.state, payment.reason_code) == (PaymentState.REJECTED, "AC04")
    assert list(open_holds()) == []
    assert again(bank.debtor).debits_pending == 0


def test_a_creditor_that_no_bank_has_is_rejected_before_money_is_held(bank: Bank) -> None:
    payment = bank.transfer("12.00", creditor_iban="FR1420041010050500013M02607")
    assert (payment.state, payment.reason_code) == (PaymentState.REJECTED, "AC01")
    assert not Hold.objects.exists()
    assert bank.requests() == 0


def test_a_transfer_whose_answer_was_lost_says_so_until_the_rail_is_asked_once(
    bank: Bank, states: Callable[[], list[str]]
) -> None:
    payment = bank.transfer("12.92")
    assert payment.state == PaymentState.SETTLED
    assert "outcome_unknown" in [state.lower() for state in states()]
    assert bank.requests() == 1  # the inquiry was about the right key: nothing was sent again


def test_a_rail_that_does_not_answer_twice_is_asked_until_it_does(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    """A transfer that is still being decided: a second inquiry without an end finds the payment unknown already, which
    is no fault that anybody should be woken up for."""
    payment = bank.transfer("12.99")
    assert payment.state == PaymentState.SETTLED
    assert LedgerEntry.objects.filter(type="call.unknown").count() >= 2
    assert bank.requests() == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_call_to_the_rail_is_the_point_of_no_return(bank: Bank) -> None:
    """Once the creditor has the money no step is undone; the ledger says so from the intent on."""
    bank.transfer("12.00")
    intent = LedgerEntry.objects.get(type="call.intended")
    assert (intent.step, json.loads(intent.body or "{}").get("pivot")) == ("send_to_rail", True)


@pytest.fixture
def states(bank: Bank) -> Callable[[], list[str]]:
    """Every state that a payment has had, in order, by a trigger of the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE had_state (n serial, state text);"
            "CREATE FUNCTION note_state() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO had_state (state) VALUES (new.state); RETURN new; END $$;"
            "CREATE TRIGGER note_state AFTER INSERT OR UPDATE ON payments_payment"
            " FOR EACH ROW EXECUTE FUNCTION note_state()"
        )

    def states() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT state FROM had_state ORDER BY n")
            return [row[0] for row in cursor.fetchall()]

    return states
