"""manage.py seed_demo_bank: a bank to try things with, made once."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from payments.models import Account
from payments.services.accounts import open_customer_account
from payments.services.seed import DEMO_ACCOUNTS


def test_it_opens_the_accounts_and_makes_the_groups_once(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("seed_demo_bank")
    printed = capsys.readouterr().out
    assert all(account.iban in printed for account in DEMO_ACCOUNTS)
    assert f"Accounts opened: {len(DEMO_ACCOUNTS) + 1};" in printed  # and one at the rail
    assert set(Group.objects.values_list("name", flat=True)) == {"operators", "auditors"}
    call_command("seed_demo_bank")
    assert "Accounts opened: 0;" in capsys.readouterr().out


def test_it_refuses_a_database_with_another_banks_customers() -> None:
    open_customer_account(iban="NL91ABNA0417164300", name="Somebody real", currency="EUR")
    with pytest.raises(CommandError, match="not the demo bank's"):
        call_command("seed_demo_bank")
    assert Account.objects.count() == 1
    assert not Group.objects.exists()
