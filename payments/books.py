"""Whether the books are right: what the console's page and `manage.py trial_balance` both show."""

from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from moneyed import Money

from payments.models import PaymentState
from payments.selectors import (
    LedgerDiscrepancy,
    ledger_discrepancies,
    open_holds,
    orphaned_holds,
    payment_counts,
    trial_balance,
)

#: A payment in one of these moves no more.
FINAL_STATES: Final = frozenset({PaymentState.SETTLED, PaymentState.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """One look at the whole ledger, all of it as it stood at one moment."""

    balance: dict[str, Money]
    discrepancies: list[LedgerDiscrepancy]
    open_holds: int
    orphaned_holds: list[str]
    payments: dict[PaymentState, int]

    @property
    def problems(self) -> list[str]:
        """What is wrong and what it means for the money; empty if the books are right."""
        found = [
            f"The postings in {currency} sum to {money.amount:,}, not to zero: money appeared or vanished in the books."
            for currency, money in self.balance.items()
            if money.amount
        ]
        found += [
            f"Account {row.account_id}: {row.counter} is stored as {row.stored:f}, its rows add up to "
            f"{row.recomputed:f}. The balance shown is not what was booked."
            for row in self.discrepancies
        ]
        found += [
            f"Hold {hold} is open, but its saga has ended: nothing will ever release this money of a customer."
            for hold in self.orphaned_holds
        ]
        return found

    @property
    def are_right(self) -> bool:
        return not self.problems

    @property
    def on_their_way(self) -> int:
        """How many payments have neither settled nor been rejected."""
        return sum(count for state, count in self.payments.items() if state not in FINAL_STATES)

    @property
    def verdict(self) -> str:
        """What to say of books that are right."""
        sentence = "The books are right: everything balances, no hold outlives its saga."
        match self.on_their_way:
            case 0:
                return sentence
            case 1:
                return f"{sentence} 1 payment is still on its way."
            case count:
                return f"{sentence} {count:,} payments are still on their way."


def read_books() -> Books:
    """Read all of the ledger in one snapshot. It locks nothing, and takes as long as reading every posting does."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return Books(
            balance=trial_balance(),
            discrepancies=ledger_discrepancies(),
            open_holds=open_holds().count(),
            orphaned_holds=[str(hold) for hold in orphaned_holds().order_by("id").values_list("id", flat=True)],
            payments=payment_counts(),
        )
