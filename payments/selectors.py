"""Reads of payments and of the books. They change nothing and lock nothing."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from moneyed import Money

from payments.models import Account, Hold, Payment, PaymentState, Posting
from payments.money import exact_money
from payments.services.accounts import settlement_code
from sagas.models import Saga


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDiscrepancy:
    """A counter of an account that is not what the ledger's rows add up to."""

    account_id: UUID
    counter: str
    stored: Decimal
    recomputed: Decimal


def payment_of(*, payment_id: UUID) -> Payment:
    """Return the payment with its debtor's account; raises `Payment.DoesNotExist`."""
    payment: Payment = Payment.objects.select_related("debtor_account").get(pk=payment_id)
    return payment


def payment_of_saga(*, saga_id: UUID) -> Payment:
    """Return the payment that the saga runs; raises `Payment.DoesNotExist`."""
    payment: Payment = Payment.objects.select_related("debtor_account").get(saga_id=saga_id)
    return payment


def settlement_account(*, rail: str, currency: str) -> Account:
    """Return our settlement account at the rail; raises `Account.DoesNotExist` if none was opened."""
    return Account.objects.get(code=settlement_code(rail=rail, currency=currency))


def rail_is_open(*, rail: str, currency: str) -> bool:
    """Whether we have an open settlement account at the rail in this currency: without one nothing could be posted."""
    return Account.objects.filter(code=settlement_code(rail=rail, currency=currency), closed_at=None).exists()


def trial_balance() -> dict[str, Money]:
    """The sum of all postings per currency, debits less credits. Every one is zero, or the books are broken."""
    sums = Posting.objects.values_list("currency").annotate(Sum("amount")).order_by("currency")
    return {code: exact_money(amount=total, currency=code, field="trial balance") for code, total in sums}


def payment_counts() -> dict[PaymentState, int]:
    """How many payments are in each state; every state is there, also with none."""
    counted = dict(Payment.objects.values_list("state").annotate(Count("id")).order_by())
    return {state: counted.get(state.value, 0) for state in PaymentState}


def open_holds() -> QuerySet[Hold]:
    """Holds that are neither posted nor voided."""
    return Hold.objects.filter(resolution=None)


def orphaned_holds() -> QuerySet[Hold]:
    """Open holds of a saga that has ended: money of a customer that nothing will ever release. There should be none."""
    return open_holds().filter(Exists(Saga.objects.filter(pk=OuterRef("saga_id"), ended=True)))


# One snapshot. `pending` nets every hold against its resolution; `version` counts the postings.
_DISCREPANCIES: Final = """
WITH posted AS (
    SELECT account_id, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS debits,
           coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS credits, count(*) AS version
      FROM payments_posting GROUP BY account_id
), pending AS (
    SELECT h.account_id, sum(h.amount) AS held
      FROM payments_hold h WHERE NOT EXISTS (SELECT FROM payments_holdresolution r WHERE r.hold_id = h.id)
     GROUP BY h.account_id
)
SELECT a.id, c.counter, c.stored, c.recomputed
  FROM payments_account a
  LEFT JOIN posted ON posted.account_id = a.id
  LEFT JOIN pending ON pending.account_id = a.id
 CROSS JOIN LATERAL (VALUES
    ('debits_posted', a.debits_posted, coalesce(posted.debits, 0)),
    ('credits_posted', a.credits_posted, coalesce(posted.credits, 0)),
    ('debits_pending', a.debits_pending, coalesce(pending.held, 0)),
    ('credits_pending', a.credits_pending, 0),
    ('version', a.version::numeric, coalesce(posted.version, 0))
 ) AS c (counter, stored, recomputed)
 WHERE c.stored <> c.recomputed
 ORDER BY a.id, c.counter
"""


def ledger_discrepancies() -> list[LedgerDiscrepancy]:
    """Recompute every account from its postings and holds, and return each counter that differs. None should."""
    with connection.cursor() as cursor:
        cursor.execute(_DISCREPANCIES)
        return [
            LedgerDiscrepancy(account_id=account_id, counter=counter, stored=stored, recomputed=recomputed)
            for account_id, counter, stored, recomputed in cursor.fetchall()
        ]
