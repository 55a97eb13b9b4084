"""Exact money: what is refused, and that nothing is ever rounded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moneyed import CURRENCIES, EUR, JPY, Money

from payments.errors import AmountRefused
from payments.money import EXPONENTS, exact_money, positive_money, require_exact

#: Active codes without a minor unit ("N.A." in ISO 4217): metals, bond-market units, testing, no currency.
NO_MINOR_UNIT = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}
#: Codes that ISO 4217 has withdrawn or never had (CNH, CNX, IMP are py-moneyed's own): no payment can be in them.
NOT_ACTIVE = (
    "ADP AFA ALK ANG AOK AON AOR ARA ARL ARM ARP ATS AZM BAD BAN BEC BEF BEL BGL BGM BGN BGO BOL BOP BRB BRC BRE BRN "
    "BRR BRZ BUK BYB BYR CLE CNH CNX CSD CSK CUC CYP DDM DEM ECS ECV EEK ESA ESB ESP FIM FRF GEK GHC GNS GQE GRD GWE "
    "GWP HRD HRK IEP ILP ILR IMP ISJ ITL KRH KRO LTL LTT LUC LUF LUL LVL LVR MAF MCF MDC MGF MKN MLF MRO MTL MTP MVP "
    "MXP MZE MZM NIC NLG PEI PES PLZ PTE RHD ROL RUR SDD SDP SIT SKK SLL SRG STD SUR TJR TMM TPE TRL TVD UAK UGS USS "
    "UYP VEB VEF VNN XEU XFO XFU XRE YDD YUD YUM YUN YUR ZAL ZMK ZRN ZRZ ZWD ZWL ZWN ZWR"
)


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("10.5", "JPY", "more than 0 fraction digits"),
        ("1.005", "EUR", "more than 2 fraction digits"),
        (Decimal("0.0001"), "BHD", "more than 3 fraction digits"),
        ("1.00", "XAU", "not an active ISO 4217 currency"),
        ("1.00", "DEM", "not an active ISO 4217 currency"),
        ("1.00", "eur", "not an active ISO 4217 currency"),
        ("NaN", "EUR", "not a plain decimal number"),
        (Decimal("NaN"), "EUR", "not an amount"),
        (Decimal("Infinity"), "EUR", "not an amount"),
        ("1e2", "EUR", "not a plain decimal number"),
        ("1_000", "EUR", "not a plain decimal number"),
        ("١٢", "EUR", "not a plain decimal number"),
        ("1,50", "EUR", "not a plain decimal number"),
        ("", "EUR", "not a plain decimal number"),
        ("10000000000000000", "EUR", "more than 16 digits"),
    ],
)
def test_an_inexact_amount_is_refused_and_its_field_is_named(amount: Decimal | str, currency: str, said: str) -> None:
    with pytest.raises(AmountRefused, match=said) as refused:
        exact_money(amount=amount, currency=currency, field="order.amount")
    assert refused.value.field == "order.amount"
    assert str(refused.value).startswith("order.amount: ")


@pytest.mark.parametrize("amount", [1.5, 2.0, True])
def test_a_float_is_never_money(amount: float) -> None:
    with pytest.raises(AmountRefused, match="never a float"):
        exact_money(amount=amount, currency="EUR", field="amount")  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", ["0", "0.00", "-1.00"])
def test_an_ordered_amount_is_greater_than_zero(amount: str) -> None:
    with pytest.raises(AmountRefused, match="not greater than zero"):
        positive_money(amount=amount, currency="EUR", field="amount")


def test_trailing_zeros_are_no_fraction() -> None:
    assert exact_money(amount=Decimal("10.0000"), currency="JPY", field="amount") == Money(10, JPY)
    assert str(require_exact(money=Money(Decimal("1E+2"), EUR), field="amount").amount) == "100.00"


@given(
    currency=st.sampled_from(sorted(EXPONENTS)),
    amount=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15),
)
def test_an_amount_is_taken_with_its_exact_value_or_refused(currency: str, amount: Decimal) -> None:
    try:
        money = exact_money(amount=amount, currency=currency, field="amount")
    except AmountRefused:
        assert amount != amount.quantize(Decimal(1).scaleb(-EXPONENTS[currency]))
    else:
        assert money.amount == amount
        assert money.amount.as_tuple().exponent == -EXPONENTS[currency]


def test_the_exponents_are_those_of_py_moneyed_for_every_active_currency_with_a_minor_unit() -> None:
    theirs = {code: len(str(currency.sub_unit)) - 1 for code, currency in CURRENCIES.items()}
    assert {code: theirs[code] for code in EXPONENTS} == EXPONENTS


def test_every_currency_of_py_moneyed_that_is_left_out_is_left_out_for_a_stated_reason() -> None:
    assert set(CURRENCIES) - set(EXPONENTS) == NO_MINOR_UNIT | set(NOT_ACTIVE.split())
