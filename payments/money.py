"""Exact money: amounts are decimals with no more fraction digits than ISO 4217 gives their currency.

A float never becomes money here, 10.5 JPY and 1.005 EUR are refused and never rounded, and the error names the field.
PostgreSQL holds the same table in `iso4217_exponent(code)`; a test compares the two for every currency.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from moneyed import CURRENCIES, Money

from payments.errors import AmountRefused

#: Fraction digits of every column that holds an amount, and the digits before the point that are left.
FRACTION_DIGITS: Final = 4
WHOLE_DIGITS: Final = 16

_PLAIN_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")

_NO_FRACTION: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO_DIGITS: Final = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD YER ZAR ZMW"
)
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS: Final = "CLF UYW"

#: Minor-unit exponent of every currency that a payment may be in: the active codes of ISO 4217 that have a minor unit.
#: Left out: withdrawn currencies (DEM, BGN, ...), codes without a minor unit (XAU, XDR, XTS, XXX, ...), and the codes
#: that py-moneyed 3.0 does not know yet (XAD, XCG, ZWG).
EXPONENTS: Final[Mapping[str, int]] = {
    code: exponent
    for exponent, codes in ((0, _NO_FRACTION), (2, _TWO_DIGITS), (3, _THREE_DIGITS), (4, _FOUR_DIGITS))
    for code in codes.split()
}


def exact_money(*, amount: Decimal | int | str, currency: str, field: str) -> Money:
    """Return the amount as `Money`, quantised to its currency's exponent; the value is never changed.

    `field` is the name that the caller's user knows, for example `amount` or `CdtTrfTxInf[3].Amt.InstdAmt`. Raises
    `AmountRefused` for a float, a text that is no number, an infinite or unquantised amount, more than sixteen digits
    before the point, and a currency that payments may not be in.
    """
    exponent = exponent_of(currency=currency, field=field)
    number = _exact_number(amount, field=field)
    if abs(number) >= 10**WHOLE_DIGITS:
        raise AmountRefused(field=field, problem=f"has more than {WHOLE_DIGITS} digits before the decimal point")
    quantised = number.quantize(Decimal(1).scaleb(-exponent))
    if quantised != number:
        raise AmountRefused(
            field=field, problem=f"{number} {currency} has more than {exponent} fraction digits (ISO 4217)"
        )
    return Money(quantised, CURRENCIES[currency])


def positive_money(*, amount: Decimal | int | str, currency: str, field: str) -> Money:
    """Like `exact_money`, and raises `AmountRefused` unless the amount is greater than zero."""
    money = exact_money(amount=amount, currency=currency, field=field)
    if money.amount <= 0:
        raise AmountRefused(field=field, problem=f"{money.amount} {currency} is not greater than zero")
    return money


def require_exact(*, money: Money, field: str) -> Money:
    """Return the same money, quantised; raises `AmountRefused` where `exact_money` would.

    py-moneyed turns a float into its shortest text before anybody can see it, so floats must be refused where money is
    made: by `exact_money`.
    """
    return exact_money(amount=money.amount, currency=money.currency.code, field=field)


def exponent_of(*, currency: str, field: str) -> int:
    """Return how many fraction digits the currency has (ISO 4217).

    Raises `AmountRefused` if payments may not be in it.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise AmountRefused(
            field=field, problem=f"{currency!r} is not an active ISO 4217 currency with a minor unit"
        ) from None


def _exact_number(amount: object, *, field: str) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        kind = type(amount).__name__
        raise AmountRefused(field=field, problem=f"is a {kind}; money is a Decimal, an int or a text, never a float")
    # Decimal() itself would also take "1_000", "1E+2", blanks and the digits of every script.
    if isinstance(amount, str) and not _PLAIN_NUMBER.fullmatch(amount):
        raise AmountRefused(field=field, problem="is not a plain decimal number such as 1250.00")
    number = Decimal(amount)
    if not number.is_finite():
        raise AmountRefused(field=field, problem=f"is {number}, which is not an amount")
    return number
