"""A demo bank: a settlement account per rail, and customers whose names and IBANs are made up.

The IBANs are valid (mod 97), Dutch in form, and carry the bank code `RCRS`, which no bank has: no real account can be
meant. They are computed, not stored, so every run and every machine has the same twenty.
"""

from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import connection, transaction
from moneyed import EUR, Money
from schwifty import IBAN

from payments.models import Account, Journal, JournalKind
from payments.services.accounts import (
    fund_account,
    open_customer_account,
    open_settlement_account,
    settlement_code,
)

#: The demo bank's own code in its IBANs, and its BIC.
BANK_CODE: Final = "RCRS"
BANK_BIC: Final = "RCRSNL2A"

#: The rails at which the demo bank has a settlement account in EUR.
RAILS: Final = ("instant",)

#: Value date of the opening balances: before any date that a demo uses.
OPENED_ON: Final = date(2026, 1, 1)

#: Held while seeding, so that two commands at once do not open an account twice. Any fixed number of our own.
_SEED_LOCK: Final = 0x5245_4355_5345_4544


class DemoAccount(NamedTuple):
    """One customer account as the demo opens it."""

    iban: str
    holder_name: str
    opening_balance: Money


def demo_iban(*, account_number: int) -> str:
    """Return the demo bank's IBAN with this account number, with correct check digits."""
    return str(IBAN.generate("NL", bank_code=BANK_CODE, account_code=f"{account_number:010d}"))


_CUSTOMERS: Final = (
    ("Ada Verhoeven", "125000.00"),
    ("Bram de Wit Timmerwerken B.V.", "482310.55"),
    ("Carla Jansen", "8420.17"),
    ("Dolfijn Watersport B.V.", "96400.00"),
    ("Emre Yilmaz", "15750.40"),
    ("Fenna Postma", "3210.99"),
    ("Groene Hart Zuivel Coop. U.A.", "751200.00"),
    ("Hugo van Rijn", "64.20"),
    ("Ingrid Solberg", "22800.00"),
    ("Joost Bakkerij", "41095.75"),
    ("Kwekerij Zonnedauw B.V.", "138640.30"),
    ("Lotte Smeets", "999.99"),
    ("Museum De Vuurtoren", "57300.00"),
    ("Noor el Amrani", "12480.65"),
    ("Oever Scheepsbouw N.V.", "1840000.00"),
    ("Pieter Hoekstra", "150.00"),
    ("Quirine Dubois", "30505.05"),
    ("Rotterdamse Kabelfabriek B.V.", "611999.10"),
    ("Sanne Wouters", "5.00"),
    ("Tuincentrum Het Klaverblad", "78215.45"),
)

#: Every demo customer, in a fixed order. The first account number is 4100001.
DEMO_ACCOUNTS: Final = tuple(
    DemoAccount(demo_iban(account_number=4_100_001 + n), name, Money(Decimal(balance), EUR))
    for n, (name, balance) in enumerate(_CUSTOMERS)
)


def seed_demo_bank() -> tuple[Account, ...]:
    """Open and fund whatever of the demo bank is missing; return the customers' accounts in the order of DEMO_ACCOUNTS.

    One transaction of its own; repeating it changes nothing. The opening balances are booked against the settlement
    account: the money that customers brought in lies at the rail.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEED_LOCK])
        settlements = [_settlement_account(rail) for rail in RAILS]
        return tuple(_customer_account(demo, settlements[0]) for demo in DEMO_ACCOUNTS)


def _settlement_account(rail: str) -> Account:
    found = Account.objects.filter(code=settlement_code(rail=rail, currency="EUR")).first()
    return found or open_settlement_account(rail=rail, name=f"Settlement, {rail} rail", currency="EUR")


def _customer_account(demo: DemoAccount, settlement: Account) -> Account:
    account = Account.objects.filter(iban=demo.iban).first() or open_customer_account(
        iban=demo.iban, name=demo.holder_name, currency=demo.opening_balance.currency.code
    )
    step_key = f"seed:opening:{account.pk}"
    if not Journal.objects.filter(step_key=step_key).exists():
        fund_account(
            account_id=account.pk,
            from_account_id=settlement.pk,
            amount=demo.opening_balance,
            step_key=step_key,
            value_on=OPENED_ON,
            kind=JournalKind.OPENING,
        )
        account.refresh_from_db()
    return account
