"""manage.py seed_demo_bank: the demo bank's accounts and the console's groups, to try the containers with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo.errors import DemoFailed
from config.demo.prepare import refuse_another_bank
from config.roles import ensure_roles
from payments.models import Account
from payments.services.seed import seed_demo_bank


class Command(BaseCommand):
    help = (
        "Open and fund the demo bank's accounts, and make the groups of people who use the console. "
        "Repeating it changes nothing; a database with another bank's customers is refused."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            refuse_another_bank()
        except DemoFailed as error:
            raise CommandError(str(error)) from error
        try:
            roles = ensure_roles()
        except LookupError as error:
            raise CommandError(str(error)) from error
        before = Account.objects.count()
        accounts = seed_demo_bank()
        for account in accounts:
            balance = account.balance
            self.stdout.write(f"{account.iban}  {balance.amount:>14,.2f} {balance.currency.code}  {account.name}")
        self.stdout.write(
            f"Accounts opened: {Account.objects.count() - before}; the demo bank has {len(accounts)} customers."
        )
        self.stdout.write(
            f"Groups: {', '.join(roles)}. `manage.py createsuperuser` makes a person; groups are given in a shell."
        )
