"""Payments for the fault tests, and what must hold of them whatever happened in between."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from moneyed import Money

from payments.intake import CreditTransferInstruction, accept_payment
from payments.models import Payment, PaymentState
from payments.selectors import ledger_discrepancies, open_holds, orphaned_holds, settlement_account, trial_balance
from payments.services.seed import DEMO_ACCOUNTS
from sagas.ledger import load
from sagas.models import SagaStatus
from sagas.proof import broken_chains
from tests.integration.simulator_process import Simulators

CREDITOR = "FR1420041010050500013M02606"


def accept(*, cents: str = "00", key: str) -> UUID:
    """A payment of 100 EUR and these cents, which tell the simulator what to do; the saga's id."""
    accepted = accept_payment(
        instruction=CreditTransferInstruction(
            debtor_iban=DEMO_ACCOUNTS[0][0],
            creditor_iban=CREDITOR,
            creditor_bic=None,
            creditor_name="Test Creditor",
            amount=Money(Decimal(f"100.{cents}"), "EUR"),
            end_to_end_id="E2E",
            remittance_information="",
            requested_execution_on=date(2026, 11, 20),
        ),
        channel="chaos",
        idempotency_key=key,
    )
    return accepted.saga_id


def is_over(saga_id: UUID) -> bool:
    return SagaStatus.objects.filter(saga_id=saga_id, status__in=["completed", "undone", "parked"]).exists()


def assert_ended_well(saga_id: UUID, rail: Simulators, *, settled: bool, context: str = "") -> None:
    """One effect at the rail or none, as the payment says; the hold is resolved; the books balance; the chain holds."""
    entries = load([saga_id])[saga_id]
    ledger = [f"{entry.type} {entry.step}".strip() for entry in entries]
    payment = Payment.objects.get(saga_id=saga_id)
    status = SagaStatus.objects.get(saga_id=saga_id)
    keys = {entry.idempotency_key for entry in entries if entry.step == "send_to_rail"}
    effects = [rail.effects(key) for key in keys]
    expected = (
        ("completed", PaymentState.SETTLED, [1]) if settled else ("undone", PaymentState.REJECTED, [0] * len(keys))
    )
    assert (status.status, payment.state, effects) == expected, (context, ledger, status.reason)
    assert ledger.count("step.completed post_settlement") == int(settled), (context, ledger)
    assert ledger.count("step.completed reserve_funds") <= 1, (context, ledger)
    assert list(open_holds()) == list(orphaned_holds()) == [], context
    assert ledger_discrepancies() == [], context
    assert all(not total.amount for total in trial_balance().values()), context
    assert broken_chains([saga_id]) == [], context


def assert_books_agree(rail: Simulators, *, before: Decimal) -> None:
    """What left our account at the rail since `before` is what the rail has accepted."""
    account = settlement_account(rail="instant", currency="EUR")
    moved = before - (account.debits_posted - account.credits_posted)
    accepted = Decimal(str(rail.book()["currencies"].get("EUR", {"sum": "0"})["sum"]))
    assert moved == accepted


def settlement_balance() -> Decimal:
    account = settlement_account(rail="instant", currency="EUR")
    return account.debits_posted - account.credits_posted
