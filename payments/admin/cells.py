"""Amounts and states as the console's lists and pages show them."""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from moneyed import Money

from payments.models import Payment, PaymentState
from payments.money import exact_money


def amount(money: Money) -> str:
    """Such as `1,250.00 EUR`: the currency's own number of fraction digits, none more, none fewer."""
    exact = exact_money(amount=money.amount, currency=money.currency.code, field="amount")
    return f"{exact.amount:,} {exact.currency.code}"


def amount_of(number: Decimal, currency: str) -> str:
    return amount(exact_money(amount=number, currency=currency, field="amount"))


def state(payment: Payment) -> SafeString:
    """The state in words; its colour says nothing that the word does not."""
    label = PaymentState(payment.state).label.lower()
    return format_html('<span class="state state-{}">{}</span>', payment.state, label)
