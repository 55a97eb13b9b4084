"""The checks of the books see what they are there to see."""

from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from moneyed import Money

from payments.errors import InsufficientFunds
from payments.intake import CreditTransferInstruction, accept_payment
from payments.models import Account, JournalKind
from payments.selectors import LedgerDiscrepancy, ledger_discrepancies, open_holds, orphaned_holds, trial_balance
from payments.services.ledger import credit, debit, place_hold, post_hold, post_journal, void_hold
from tests.integration.bank import TODAY, again, customer, eur, key, settlement


def test_a_counter_that_was_tampered_with_is_named_with_both_values() -> None:
    account = customer("100.00")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_account DISABLE TRIGGER account_counters_are_the_ledgers")
        Account.objects.filter(pk=account.pk).update(credits_posted=Decimal(1000000))
        cursor.execute("ALTER TABLE payments_account ENABLE ALWAYS TRIGGER account_counters_are_the_ledgers")
    assert ledger_discrepancies() == [
        LedgerDiscrepancy(
            account_id=account.pk, counter="credits_posted", stored=Decimal(1_000_000), recomputed=Decimal(100)
        )
    ]


def test_the_trial_balance_shows_every_currency() -> None:
    customer("100.00")
    customer("5000", currency="JPY")
    assert {code: money.amount for code, money in trial_balance().items()} == {"EUR": 0, "JPY": 0}


_AMOUNTS = st.integers(min_value=1, max_value=6000).map(lambda cents: eur(str(Decimal(cents) / 100)))
_ACTS = st.sampled_from(["hold", "post", "void", "transfer"])


@settings(max_examples=15)
@given(acts=st.lists(st.tuples(_ACTS, st.integers(0, 2), _AMOUNTS), max_size=12))
def test_whatever_is_booked_the_counters_are_what_the_rows_add_up_to(
    acts: list[tuple[str, int, Money]],
) -> None:
    accounts, rail = [customer("100.00") for _ in range(3)], settlement()
    for act, chosen, amount in acts:
        account, hold = accounts[chosen], open_holds().first()
        try:
            with transaction.atomic():
                if act == "hold":
                    place_hold(account_id=account.pk, amount=amount, step_key=key())
                elif act == "transfer":
                    legs = (debit(account_id=account.pk, amount=amount), credit(account_id=rail.pk, amount=amount))
                    post_journal(kind=JournalKind.CORRECTION, legs=legs, step_key=key(), value_on=TODAY)
                elif hold and act == "post":
                    post_hold(hold_id=hold.pk, credit_account_id=rail.pk, step_key=key(), value_on=TODAY)
                elif hold:
                    void_hold(hold_id=hold.pk, step_key=key())
        except InsufficientFunds:
            assert again(account).available < amount
    assert ledger_discrepancies() == []
    assert trial_balance() == {"EUR": eur("0.00")}
    assert all(again(account).available >= eur("0") for account in accounts)


@pytest.mark.parametrize("ended", [True, False])
def test_a_hold_is_orphaned_when_its_saga_has_ended_without_resolving_it(ended: bool) -> None:
    saga_id = accept_payment(instruction=_order(customer("100.00")), channel="test", idempotency_key="k").saga_id
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sagas_saga SET ended = %s, wake_at = NULL WHERE id = %s", [ended, saga_id])
    account = customer("100.00")
    held = place_hold(account_id=account.pk, amount=eur("1"), step_key=key(), saga_id=saga_id)
    voided = place_hold(account_id=account.pk, amount=eur("1"), step_key=key(), saga_id=saga_id)
    void_hold(hold_id=voided.pk, step_key=key())
    place_hold(account_id=account.pk, amount=eur("1"), step_key=key())  # by a command, not by a saga
    assert list(orphaned_holds()) == ([held] if ended else [])


def _order(debtor: Account) -> CreditTransferInstruction:
    return CreditTransferInstruction(
        debtor_iban=str(debtor.iban),
        creditor_iban="DE89370400440532013000",
        creditor_bic=None,
        creditor_name="Ben",
        amount=eur("1"),
        end_to_end_id="INV-1",
        remittance_information="",
        requested_execution_on=TODAY,
    )
