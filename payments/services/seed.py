"""A demo bank: a settlement account per rail, and customers whose names and IBANs are made up.

The IBANs are valid (mod 97), Dutch in form, and carry the bank code `RCRS`, which no bank has: no real account can be
meant. They are computed, not stored, so every run and every machine has the same twenty.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from moneyed import EUR, Money
from schwifty import IBAN

#: The demo bank's own code in its IBANs, and its BIC.
BANK_CODE: Final = "RCRS"
BANK_BIC: Final = "RCRSNL2A"


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
