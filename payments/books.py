"""Whether the books are right: what the console's page and `manage.py trial_balance` both show."""

from dataclasses import dataclass

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
