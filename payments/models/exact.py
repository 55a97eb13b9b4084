"""`is_exact_money(amount, currency)` of the database, as an expression for CHECK constraints."""

from django.db import models


class ExactMoney(models.Func):
    """True if the amount has no more fraction digits than ISO 4217 gives its currency; false for unknown currencies."""

    function = "is_exact_money"
    output_field = models.BooleanField()
    arity = 2


class Iso4217Exponent(models.Func):
    """The currency's fraction digits, or NULL if payments may not be in it."""

    function = "iso4217_exponent"
    output_field = models.IntegerField()
    arity = 1
