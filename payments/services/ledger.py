"""Writes the ledger: holds, their resolution, journals with postings. The database keeps the rules; this is the way in.

Everything here runs inside the caller's transaction and is durable when that commits. After an error the transaction
(or the savepoint around the call) must be rolled back. `step_key` makes a booking unique: a key books once, ever.

Statements: `place_hold` and `void_hold` send one, `post_hold` and `post_journal` two. All accounts of a statement are
locked in id order, so bookings with their legs in any order do not deadlock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection
from moneyed import Money

from payments.errors import AmountRefused, UnknownAccount, UnknownHold
from payments.models import Hold, HoldResolution, Journal, JournalKind, ResolutionKind
from payments.money import positive_money, require_exact
from payments.services.refusals import typed_refusals
from sagas.ids import uuid7


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One posting to be: a positive amount debits the account, a negative one credits it."""

    account_id: UUID
    amount: Money


def debit(*, account_id: UUID, amount: Money) -> Leg:
    return Leg(account_id=account_id, amount=amount)


def credit(*, account_id: UUID, amount: Money) -> Leg:
    return Leg(account_id=account_id, amount=-amount)


# Locks the accounts in id order, numbers their postings and computes their balances under the lock; the trigger behind
# the insert checks both and moves the counters.
_INSERT_POSTINGS: Final = """
WITH leg AS (
    SELECT * FROM unnest(%(legs)s::int[], %(accounts)s::uuid[], %(amounts)s::numeric[], %(currencies)s::text[])
        AS leg (leg_no, account_id, amount, currency)
), locked AS MATERIALIZED (
    SELECT id, version, debits_posted - credits_posted AS balance FROM payments_account
     WHERE id = ANY(%(accounts)s::uuid[]) ORDER BY id FOR NO KEY UPDATE
)
INSERT INTO payments_posting (journal_id, leg_no, account_id, currency, amount, account_version, balance_after)
SELECT %(journal)s, leg.leg_no, leg.account_id, leg.currency, leg.amount,
       locked.version + row_number() OVER legs_of_account, locked.balance + sum(leg.amount) OVER legs_of_account
  FROM leg JOIN locked ON locked.id = leg.account_id
WINDOW legs_of_account AS (PARTITION BY leg.account_id ORDER BY leg.leg_no)
"""

# Makes the journal and resolves the hold with it; answers what the hold was for.
_RESOLVE_BY_JOURNAL: Final = """
WITH held AS (
    SELECT id, account_id, payment_id, saga_id, amount, currency FROM payments_hold WHERE id = %(hold)s
), journal AS (
    INSERT INTO payments_journal (id, kind, payment_id, saga_id, step_key, value_on)
    SELECT %(journal)s, %(kind)s, payment_id, saga_id, %(step_key)s, %(value_on)s FROM held
), resolution AS (
    INSERT INTO payments_holdresolution (hold_id, kind, journal_id, step_key)
    SELECT id, %(posted)s, %(journal)s, %(step_key)s FROM held
)
SELECT account_id, amount, currency FROM held
"""


def place_hold(
    *,
    account_id: UUID,
    amount: Money,
    step_key: str,
    saga_id: UUID | None = None,
    payment_id: UUID | None = None,
    expires_at: datetime | None = None,
) -> Hold:
    """Reserve money on an account: it stays in the balance and leaves the available balance.

    Raises `InsufficientFunds` (AM04), `AccountClosed` (AC04), `CurrencyNotOfAccount` (AM03), `StepAlreadyBooked`.
    """
    exact = positive_money(amount=amount.amount, currency=amount.currency.code, field="amount")
    with typed_refusals():
        return Hold.objects.create(
            account_id=account_id,
            amount=exact.amount,
            currency=exact.currency.code,
            step_key=step_key,
            saga_id=saga_id,
            payment_id=payment_id,
            expires_at=expires_at,
        )


def void_hold(*, hold_id: UUID, step_key: str) -> None:
    """Release a hold: the money is available again. Raises `HoldAlreadyResolved`; nothing else may void it twice."""
    with typed_refusals():
        HoldResolution.objects.create(hold_id=hold_id, kind=ResolutionKind.VOIDED, step_key=step_key)


def post_hold(
    *,
    hold_id: UUID,
    credit_account_id: UUID,
    step_key: str,
    value_on: date,
    kind: JournalKind = JournalKind.SETTLEMENT,
) -> UUID:
    """Turn a hold into a booking: debit the held account and credit the other with the whole amount.

    Returns the journal's id. Raises `UnknownHold`, `HoldAlreadyResolved`, `StepAlreadyBooked`, `AccountClosed` (the
    credited account), `CurrencyNotOfAccount`, `UnknownAccount`.
    """
    journal_id = uuid7()
    with typed_refusals(), connection.cursor() as cursor:
        cursor.execute(
            _RESOLVE_BY_JOURNAL,
            {
                "hold": hold_id,
                "journal": journal_id,
                "kind": kind.value,
                "posted": ResolutionKind.POSTED.value,
                "step_key": step_key,
                "value_on": value_on,
            },
        )
        held = cursor.fetchone()
    if held is None:
        raise UnknownHold(hold_id=hold_id)
    account_id, amount, currency = held
    if account_id == credit_account_id:
        raise AmountRefused(field="credit_account_id", problem="is the held account itself: no money would move")
    money = Money(amount, currency)
    legs = (debit(account_id=account_id, amount=money), credit(account_id=credit_account_id, amount=money))
    _insert_postings(journal_id=journal_id, legs=legs)
    return journal_id


def post_journal(
    *,
    kind: JournalKind,
    legs: Sequence[Leg],
    step_key: str,
    value_on: date,
    payment_id: UUID | None = None,
    saga_id: UUID | None = None,
) -> UUID:
    """Book these legs at once and return the journal's id. They must sum to zero in every currency.

    An unbalanced journal is refused where constraints are checked: at the end of a saga step, or at commit.
    Raises `InsufficientFunds`, `AccountClosed`, `CurrencyNotOfAccount`, `UnknownAccount`, `StepAlreadyBooked`.
    """
    exact = [_exact_leg(leg, leg_no=leg_no) for leg_no, leg in enumerate(legs, start=1)]
    with typed_refusals():
        journal = Journal.objects.create(
            kind=kind, step_key=step_key, value_on=value_on, payment_id=payment_id, saga_id=saga_id
        )
    _insert_postings(journal_id=journal.pk, legs=exact)
    return journal.pk


def _insert_postings(*, journal_id: UUID, legs: Sequence[Leg]) -> None:
    amounts: list[Decimal] = [leg.amount.amount for leg in legs]
    with typed_refusals(), connection.cursor() as cursor:
        cursor.execute(
            _INSERT_POSTINGS,
            {
                "journal": journal_id,
                "legs": list(range(1, len(legs) + 1)),
                "accounts": [leg.account_id for leg in legs],
                "amounts": amounts,
                "currencies": [leg.amount.currency.code for leg in legs],
            },
        )
        if cursor.rowcount != len(legs):
            raise UnknownAccount("a leg names an account that does not exist; nothing was booked")


def _exact_leg(leg: Leg, *, leg_no: int) -> Leg:
    field = f"legs[{leg_no}].amount"
    exact = require_exact(money=leg.amount, field=field)
    if not exact.amount:
        raise AmountRefused(field=field, problem="is zero; a posting moves money")
    return Leg(account_id=leg.account_id, amount=exact)
