"""manage.py trial_balance: whether the books are right; exit code 1 when they are not."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.table import Table

from payments.books import read_books
from sagas.console.terminal import console


class Command(BaseCommand):
    help = (
        "Sum all postings per currency, recompute every account from its postings and holds, look for holds that "
        "nothing will release, and count the payments by state. Exit code 1 if the books are not right."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        books = read_books()
        balance = Table("Currency", "Debits less credits", title="Trial balance", title_justify="left")
        balance.columns[1].justify = "right"
        for currency, money in books.balance.items():
            balance.add_row(currency, f"{money.amount:,}")
        payments = Table("State", "Payments", title="Payments", title_justify="left")
        payments.columns[1].justify = "right"
        for state, count in books.payments.items():
            payments.add_row(state.label, f"{count:,}")
        out = console()
        out.print(balance if books.balance else "Nothing was booked yet.")
        out.print(f"Accounts whose counters differ from their rows: {len(books.discrepancies)}")
        out.print(f"Open holds: {books.open_holds:,}, of ended sagas: {len(books.orphaned_holds)}")
        out.print(payments)
        for problem in books.problems:
            out.print(problem, markup=False)
        if not books.are_right:
            raise CommandError(
                "The books are not right. Stop paying out, change nothing, and call whoever answers for the ledger."
            )
        out.print(books.verdict)
