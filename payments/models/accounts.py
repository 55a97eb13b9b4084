"""Accounts: what we owe (customers' deposits, credit side) and what we own (money at a rail, debit side).

The four counters are the ledger's: only its triggers move them. PostgreSQL refuses any other change of them, a posting
to a closed account, a balance below the floor, and the deletion of an account.
"""

from decimal import Decimal

from django.db import models
from django.db.models.functions import Now
from moneyed import Money

from payments.models.exact import ExactMoney, Iso4217Exponent
from payments.money import exact_money
from sagas.ids import uuid7


class AccountKind(models.TextChoices):
    CUSTOMER = "customer", "Customer"
    RAIL_SETTLEMENT = "rail_settlement", "Settlement at a rail"
    SUSPENSE = "suspense", "Suspense"
    EQUITY = "equity", "Equity"


class Side(models.TextChoices):
    DEBIT = "debit", "Debit"
    CREDIT = "credit", "Credit"


def available_balance() -> models.Case:
    """Own side posted, less other side posted, less other side pending: what may still be taken out."""
    credit_normal = models.F("credits_posted") - models.F("debits_posted") - models.F("debits_pending")
    debit_normal = models.F("debits_posted") - models.F("credits_posted") - models.F("credits_pending")
    return models.Case(
        models.When(normal_side=Side.CREDIT, then=credit_normal),
        default=debit_normal,
        output_field=models.DecimalField(max_digits=20, decimal_places=4),
    )


class Account(models.Model):
    """One account in one currency. A customer's has an IBAN; one of ours has a code, such as `settlement:instant:EUR`.

    `credits_pending` stays zero until the first product announces incoming money; a hold is a pending debit.
    `version` counts the postings, so posting n of an account has version n and a gap would show.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    iban = models.CharField(max_length=34, null=True, blank=True, unique=True)
    code = models.CharField(max_length=64, null=True, blank=True, unique=True)
    name = models.CharField(max_length=140)
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=20, choices=AccountKind.choices)
    normal_side = models.CharField(max_length=6, choices=Side.choices)
    debits_pending = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    debits_posted = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    credits_pending = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    credits_posted = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    floor = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    version = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            # The target of the composite foreign keys that keep postings and holds in their account's currency.
            models.UniqueConstraint(fields=["id", "currency"], name="account_id_with_currency"),
            models.CheckConstraint(
                condition=models.Q(
                    debits_pending__gte=0, debits_posted__gte=0, credits_pending__gte=0, credits_posted__gte=0
                ),
                name="account_counters_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(floor=None)
                | models.Q(models.lookups.GreaterThanOrEqual(available_balance(), models.F("floor"))),
                name="account_not_below_floor",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at=None)
                | models.Q(debits_posted=models.F("credits_posted"), debits_pending=0, credits_pending=0),
                name="account_is_empty_when_closed",
            ),
            models.CheckConstraint(
                condition=models.Q(models.lookups.IsNull(Iso4217Exponent("currency"), False)),
                name="account_currency_is_iso4217",
            ),
            models.CheckConstraint(
                condition=models.Q(floor=None) | models.Q(ExactMoney("floor", "currency")),
                name="account_floor_is_exact",
            ),
            models.CheckConstraint(
                condition=models.Q(kind=AccountKind.CUSTOMER, normal_side=Side.CREDIT, iban__isnull=False, code=None)
                | (~models.Q(kind=AccountKind.CUSTOMER) & models.Q(iban=None, code__isnull=False)),
                name="account_has_an_iban_or_a_code",
            ),
            models.CheckConstraint(condition=models.Q(kind__in=AccountKind.values), name="account_kind_is_known"),
            models.CheckConstraint(condition=models.Q(normal_side__in=Side.values), name="account_side_is_known"),
        )

    def __str__(self) -> str:
        return f"{self.code or self.kind} {self.currency} {self.id}"

    @property
    def balance(self) -> Money:
        """Posted balance on the account's own side: for a customer, the money we owe them. Holds are not deducted."""
        net_debit = self.debits_posted - self.credits_posted
        return self._money(net_debit if self.normal_side == Side.DEBIT else -net_debit)

    @property
    def held(self) -> Money:
        """What holds have reserved and neither posted nor voided."""
        return self._money(self.credits_pending if self.normal_side == Side.DEBIT else self.debits_pending)

    @property
    def available(self) -> Money:
        """The balance less what is held. PostgreSQL keeps it at or above the floor."""
        return self.balance - self.held

    def _money(self, amount: Decimal) -> Money:
        return exact_money(amount=amount, currency=self.currency, field="account")
