"""The database's own idea of exact money is Python's."""

from decimal import Decimal

import pytest
from django.db import connection
from moneyed import CURRENCIES

from payments.money import EXPONENTS


def _ask(sql: str, *values: Decimal | str | None) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def test_the_database_knows_the_exponent_of_every_currency_as_python_does() -> None:
    codes = sorted({*CURRENCIES, *EXPONENTS, "XAD", "XCG", "ZWG", "eur", "", "EURO"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, iso4217_exponent(code) FROM unnest(%s::text[]) AS code", [codes])
        assert dict(cursor.fetchall()) == {code: EXPONENTS.get(code) for code in codes}


@pytest.mark.parametrize(
    ("amount", "currency", "exact"),
    [
        ("10", "JPY", True),
        ("10.5", "JPY", False),
        ("1.01", "EUR", True),
        ("1.0100", "EUR", True),
        ("1.005", "EUR", False),
        ("0.0001", "CLF", True),
        ("1", "XXX", False),
        ("NaN", "EUR", False),
        (None, "EUR", False),
        ("1", None, False),
    ],
)
def test_an_amount_is_exact_for_the_database_when_it_fits_its_currency(
    amount: str | None, currency: str | None, exact: bool
) -> None:
    number = None if amount is None else Decimal(amount)
    assert _ask("SELECT is_exact_money(%s::numeric, %s)", number, currency) is exact
