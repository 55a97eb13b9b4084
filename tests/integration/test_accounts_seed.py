"""The demo bank: the same on every machine, and seeding it twice changes nothing."""

from schwifty import IBAN

from payments.models import Account, Posting
from payments.selectors import ledger_discrepancies, settlement_account, trial_balance
from payments.services.seed import DEMO_ACCOUNTS, seed_demo_bank
from tests.integration.bank import at_once, eur


def test_the_demo_accounts_are_valid_and_belong_to_no_real_bank() -> None:
    ibans = [IBAN(demo.iban) for demo in DEMO_ACCOUNTS]
    assert len(set(ibans)) == len(DEMO_ACCOUNTS) == 20
    assert all(iban.bank is None for iban in ibans)
    assert str(ibans[0]) == "NL17RCRS0004100001"  # computed, yet for ever the same


def test_seeding_opens_and_funds_every_demo_account() -> None:
    accounts = seed_demo_bank()
    assert [(a.iban, a.name, a.balance) for a in accounts] == list(DEMO_ACCOUNTS)
    total = sum((demo.opening_balance for demo in DEMO_ACCOUNTS), start=eur("0.00"))
    assert settlement_account(rail="instant", currency="EUR").balance == total
    assert trial_balance() == {"EUR": eur("0.00")}
    assert ledger_discrepancies() == []


def test_seeding_again_or_twice_at_once_changes_nothing() -> None:
    first, second = at_once(seed_demo_bank, seed_demo_bank)
    assert first == second == seed_demo_bank()
    assert Account.objects.count() == len(DEMO_ACCOUNTS) + 1
    assert Posting.objects.count() == 2 * len(DEMO_ACCOUNTS)
