"""Opens, funds and closes accounts, inside the caller's transaction."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from django.db.models.functions import Now
from moneyed import Money

from payments.errors import UnknownAccount
from payments.models import Account, AccountKind, JournalKind, Side
from payments.money import exponent_of
from payments.services.ledger import credit, debit, post_journal
from payments.services.refusals import typed_refusals


def settlement_code(*, rail: str, currency: str) -> str:
    """The code of our settlement account at a rail, for example `settlement:instant:EUR`."""
    return f"settlement:{rail}:{currency}"


def open_customer_account(*, iban: str, name: str, currency: str, floor: Decimal | None = Decimal(0)) -> Account:
    """Open a customer's account, empty. `floor` is the lowest available balance: zero, or negative for a credit line.

    Raises `IbanTaken` if an account has the IBAN, `AmountRefused` for a currency that payments may not be in.
    """
    exponent_of(currency=currency, field="currency")
    with typed_refusals():
        return Account.objects.create(
            iban=iban,
            name=name,
            currency=currency,
            kind=AccountKind.CUSTOMER,
            normal_side=Side.CREDIT,
            floor=floor,
        )


def open_settlement_account(*, rail: str, name: str, currency: str) -> Account:
    """Open our own account at a rail: money we own, so its normal side is debit. It has no floor here; the rail has."""
    exponent_of(currency=currency, field="currency")
    with typed_refusals():
        return Account.objects.create(
            code=settlement_code(rail=rail, currency=currency),
            name=name,
            currency=currency,
            kind=AccountKind.RAIL_SETTLEMENT,
            normal_side=Side.DEBIT,
        )


def open_internal_account(*, code: str, name: str, currency: str, kind: AccountKind, normal_side: Side) -> Account:
    """Open another account of the bank itself, such as a suspense account, without a floor."""
    exponent_of(currency=currency, field="currency")
    with typed_refusals():
        return Account.objects.create(code=code, name=name, currency=currency, kind=kind, normal_side=normal_side)


def fund_account(
    *,
    account_id: UUID,
    from_account_id: UUID,
    amount: Money,
    step_key: str,
    value_on: date,
    kind: JournalKind = JournalKind.FUNDING,
) -> UUID:
    """Credit an account and debit the other, such as our settlement account when money came in.

    Returns the journal's id. Raises what `post_journal` raises.
    """
    return post_journal(
        kind=kind,
        legs=(debit(account_id=from_account_id, amount=amount), credit(account_id=account_id, amount=amount)),
        step_key=step_key,
        value_on=value_on,
    )


def close_account(*, account_id: UUID) -> None:
    """Close an account for good. Raises `AccountNotEmpty` unless its balance and pending amounts are zero."""
    with typed_refusals():
        closed = Account.objects.filter(pk=account_id, closed_at=None).update(closed_at=Now())
    if not closed and not Account.objects.filter(pk=account_id).exists():
        raise UnknownAccount(f"there is no account {account_id}; nothing was closed")
