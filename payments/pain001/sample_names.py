"""Made-up creditors for the sample file: invented names at banks that do not exist.

The Dutch bank codes and the German and Austrian bank numbers are not assigned, so no real account can be meant.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from schwifty import IBAN

#: Country, bank code, BIC of that bank.
_BANKS: Final = (
    ("NL", "XVBD", "XVBDNL2A"),
    ("NL", "XKNS", "XKNSNL22"),
    ("DE", "99900011", "XVBDDEFF"),
    ("AT", "99901", "XVBDATWW"),
)
_FIRST: Final = ("Mila", "Daan", "Saar", "Teun", "Élodie", "Jürgen", "Zoë", "Håkon", "Ilse", "Ruben", "Sofía", "Wim")
_LAST: Final = (
    "van der Voorbeeld", "Proefsma", "Testermans", "Musterer", "Beispielhuber", "Fictiestra", "Demoulin", "Schijnhof",
)  # fmt: skip
_PLACES: Final = ("Zilverwolk", "Maanmolen", "Sterrendijk", "Wolkenbrug", "Nevelhoek", "Glazen Eik", "Zevende Brug")
_TRADES: Final = (
    "Drukwerken B.V.", "Transport GmbH", "Groothandel B.V.", "Energie Coop. U.A.", "Installatietechniek", "Catering",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Creditor:
    """Someone who is paid."""

    name: str
    iban: str
    bic: str | None

    def with_wrong_check_digits(self) -> "Creditor":
        """The same creditor as a typing error leaves them: well-formed, but modulo 97 is not 1."""
        digits = int(self.iban[2:4])
        wrong = digits + 1 if digits < 98 else digits - 1
        return replace(self, iban=f"{self.iban[:2]}{wrong:02d}{self.iban[4:]}")


@cache
def creditors() -> tuple[Creditor, ...]:
    """All creditors in a fixed order; every third without a BIC, as payers often leave it to the bank."""
    people = [f"{first} {last}" for first in _FIRST for last in _LAST]
    companies = [f"{place} {trade}" for place in _PLACES for trade in _TRADES]
    return tuple(_creditor(number, name) for number, name in enumerate(people + companies))


def _creditor(number: int, name: str) -> Creditor:
    country, bank_code, bic = _BANKS[number % len(_BANKS)]
    iban = IBAN.generate(country, bank_code=bank_code, account_code=str(7_000_001 + 37 * number))
    return Creditor(name=name, iban=str(iban), bic=None if number % 3 == 0 else bic)


def reference_number(text: str) -> str:
    """An ISO 11649 creditor reference (RF) for a text of digits and capital letters."""
    as_digits = "".join(str(int(character, 36)) for character in f"{text}RF00")
    return f"RF{98 - int(as_digits) % 97:02d}{text}"
