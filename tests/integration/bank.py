"""Makes accounts and money for the tests of the ledger: short to say, nothing hidden that a test is about."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from moneyed import Money

from payments.models import Account, JournalKind, Payment
from payments.services.accounts import fund_account, open_customer_account, open_settlement_account
from payments.services.ledger import credit, debit, post_journal
from payments.services.seed import demo_iban
from sagas import uuid7

TODAY = date(2026, 11, 20)
_numbers = count(1)


def eur(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def key() -> str:
    """A step key that was never used."""
    return f"test:{uuid4()}"


def settlement(*, currency: str = "EUR") -> Account:
    return open_settlement_account(rail=f"test-{next(_numbers)}", name="Settlement", currency=currency)


def customer(balance: str = "0.00", *, floor: str | None = "0", currency: str = "EUR") -> Account:
    """A customer's account, funded from a settlement account of its own."""
    account = open_customer_account(
        iban=demo_iban(account_number=next(_numbers)),
        name="Ada Verhoeven",
        currency=currency,
        floor=None if floor is None else Decimal(floor),
    )
    if Decimal(balance):
        with transaction.atomic():
            fund_account(
                account_id=account.pk,
                from_account_id=settlement(currency=currency).pk,
                amount=Money(Decimal(balance), currency),
                step_key=key(),
                value_on=TODAY,
            )
    return again(account)


def again(account: Account) -> Account:
    """The account as it is stored now."""
    return Account.objects.get(pk=account.pk)


def a_payment(**columns: Any) -> Payment:
    """A payment as it is received, without a saga behind it."""
    payment: Payment = Payment.objects.create(
        **{
            "channel": "test",
            "saga_id": uuid7(),
            "end_to_end_id": "INV-1",
            "debtor_account": customer(),
            "debtor_name": "Ada Verhoeven",
            "creditor_name": "Ben",
            "creditor_iban": "DE89370400440532013000",
            "currency": "EUR",
            "amount": "12.50",
            "requested_execution_on": TODAY,
            **columns,
        }
    )
    return payment


def a_booked_payment(**columns: Any) -> Payment:
    """A payment with a settlement in the books: it may be settled."""
    payment = a_payment(**columns)
    with transaction.atomic():
        post_journal(
            kind=JournalKind.SETTLEMENT,
            legs=(
                debit(account_id=settlement().pk, amount=payment.money),
                credit(account_id=settlement().pk, amount=payment.money),
            ),
            step_key=key(),
            value_on=TODAY,
            payment_id=payment.pk,
        )
    return payment


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """The block's transaction is refused by the database rule of this name, and rolled back."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        yield
    assert refused.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


def check_constraints_now() -> None:
    """What the engine does at the end of every local step (R16)."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Run the actions in threads that start together; answer what each returned or raised."""
    answers: list[object] = [None] * len(actions)
    ready = threading.Barrier(len(actions))

    def run(index: int, action: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            ready.wait(timeout=20)
            answers[index] = action()
        except Exception as error:  # noqa: BLE001 - the answer is what the test looks at
            answers[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    return answers
