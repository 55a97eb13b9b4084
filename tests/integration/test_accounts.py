"""Accounts open at zero, keep what they are, close when empty, and are never deleted."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from payments.errors import AccountNotEmpty, AmountRefused, FloorTooHigh, IbanTaken, UnknownAccount
from payments.models import Account, AccountKind, Side
from payments.services.accounts import close_account, open_customer_account, open_internal_account
from payments.services.ledger import place_hold, void_hold
from payments.services.refusals import typed_refusals
from payments.services.seed import demo_iban
from sagas.ids import uuid7
from tests.integration.bank import again, customer, eur, key, refused_by, settlement


@pytest.mark.parametrize("column", ["debits_pending", "debits_posted", "credits_pending", "credits_posted", "version"])
def test_counters_change_only_through_the_ledger(column: str) -> None:
    account = customer("100.00")
    with refused_by("account_counters_are_the_ledgers"):
        Account.objects.filter(pk=account.pk).update(**{column: F(column) + 1})


@pytest.mark.parametrize("column", ["debits_posted", "credits_posted", "debits_pending", "credits_pending", "version"])
def test_an_account_starts_at_zero(column: str) -> None:
    with refused_by("account_starts_at_zero"):
        Account.objects.create(
            iban=demo_iban(account_number=1),
            name="Ada",
            currency="EUR",
            kind=AccountKind.CUSTOMER,
            normal_side=Side.CREDIT,
            **{column: 1},
        )


@pytest.mark.parametrize(
    "change",
    [
        {"iban": "NL02ABNA0123456789"},
        {"currency": "USD"},
        {"kind": AccountKind.SUSPENSE},
        {"normal_side": Side.DEBIT},
        {"opened_at": Now()},
        {"code": "x"},
    ],
)
def test_what_an_account_is_does_not_change(change: dict[str, Any]) -> None:
    account = customer()
    with refused_by("account_identity_is_fixed"):
        Account.objects.filter(pk=account.pk).update(**change)


def test_an_account_is_never_deleted() -> None:
    account = customer()
    with refused_by("account_is_never_deleted"):
        account.delete()
    with refused_by("account_is_never_deleted"), connection.cursor() as cursor:
        cursor.execute("TRUNCATE payments_account CASCADE")


def test_an_account_with_money_or_with_a_hold_stays_open() -> None:
    account = customer("10.00")
    with pytest.raises(AccountNotEmpty), transaction.atomic():
        close_account(account_id=account.pk)
    assert again(account).closed_at is None


def test_an_empty_account_closes_for_good() -> None:
    account = customer("0.00", floor="-5")
    hold = place_hold(account_id=account.pk, amount=eur("5"), step_key=key())
    with pytest.raises(AccountNotEmpty), transaction.atomic():
        close_account(account_id=account.pk)
    void_hold(hold_id=hold.pk, step_key=key())
    close_account(account_id=account.pk)
    closed_at = again(account).closed_at
    close_account(account_id=account.pk)  # again changes nothing
    assert again(account).closed_at == closed_at is not None
    with refused_by("account_identity_is_fixed"):
        Account.objects.filter(pk=account.pk).update(closed_at=None)


def test_closing_an_account_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(UnknownAccount):
        close_account(account_id=uuid7())


def test_two_accounts_do_not_share_an_iban_and_the_error_does_not_show_it() -> None:
    account = customer()
    assert account.iban
    with pytest.raises(IbanTaken) as refused, transaction.atomic():
        open_customer_account(iban=account.iban, name="Ben", currency="EUR")
    assert account.iban not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_customers_account_has_an_iban_and_our_own_a_code() -> None:
    with refused_by("account_has_an_iban_or_a_code"):
        open_internal_account(
            code="x", name="No customer", currency="EUR", kind=AccountKind.CUSTOMER, normal_side=Side.CREDIT
        )


def test_an_account_is_in_a_currency_that_payments_may_be_in() -> None:
    with pytest.raises(AmountRefused, match="currency: 'XXX'"):
        open_customer_account(iban=demo_iban(account_number=1), name="Ada", currency="XXX")
    with refused_by("account_currency_is_iso4217"):
        Account.objects.create(code="x", name="x", currency="XXX", kind=AccountKind.SUSPENSE, normal_side=Side.CREDIT)


def test_a_floor_is_not_set_above_what_is_available() -> None:
    account = customer("100.00")
    with pytest.raises(FloorTooHigh), transaction.atomic(), typed_refusals():
        Account.objects.filter(pk=account.pk).update(floor=Decimal("100.01"))


def test_a_floor_is_exact_money() -> None:
    with refused_by("account_floor_is_exact"):
        customer(floor="-0.001")


def test_available_is_counted_from_the_accounts_own_side() -> None:
    rail = settlement()
    assert (rail.balance, rail.available, rail.held) == (eur("0.00"), eur("0.00"), eur("0.00"))
