"""The double-entry ledger: journals with postings, holds with their resolutions. Rows are only ever added.

Sign of a posting: **debit positive, credit negative**, so a journal balances when its postings sum to zero per
currency. For a customer's account (credit side) a payment out is positive and money received is negative.

What PostgreSQL itself enforces (`migrations/0003_ledger_rules.py`), whoever writes:

* postings sum to zero per currency, checked at commit; a journal without postings is refused then too;
* all postings of a journal come in one INSERT, so a journal that was ever complete takes no more;
* a posting or hold is in its account's currency (composite foreign key) and in exact money of it;
* account counters move with the rows, accounts locked in id order; no account below its floor, none closed;
* a hold is posted or voided once (primary key); a posted one's journal debits its account with its amount;
* no UPDATE, DELETE or TRUNCATE.
"""

from django.db import models
from django.db.models.functions import Now
from moneyed import Money

from payments.models.accounts import Account
from payments.models.exact import ExactMoney
from payments.money import exact_money
from sagas.ids import uuid7


class JournalKind(models.TextChoices):
    OPENING = "opening", "Opening balance"
    FUNDING = "funding", "Money received"
    SETTLEMENT = "settlement", "Payment settled"
    CORRECTION = "correction", "Correction"


class Journal(models.Model):
    """One booking: why, on whose behalf and for which value date. Its postings say what moved.

    `step_key` is the key of the saga step (or command) that booked it; it is unique, so a repeated step books nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=20, choices=JournalKind.choices)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, null=True, blank=True, related_name="journals")
    saga_id = models.UUIDField(null=True, blank=True)
    step_key = models.CharField(max_length=200)
    booked_at = models.DateTimeField(db_default=Now())
    value_on = models.DateField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["step_key"], name="journal_step_key_is_used_once"),
            models.CheckConstraint(condition=models.Q(kind__in=JournalKind.values), name="journal_kind_is_known"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Posting(models.Model):
    """One leg of a journal on one account: `amount` is positive for a debit, negative for a credit.

    `account_version` numbers the account's postings without gaps; `balance_after` is the account's posted debits less
    its posted credits after this leg. The service computes both under the account's lock; the database checks them.
    """

    # The composite foreign key (account, currency) is its constraint; the unique constraints below are the indexes.
    account = models.ForeignKey(
        Account, models.PROTECT, db_constraint=False, db_index=False, related_name="postings", editable=False
    )
    journal = models.ForeignKey(Journal, models.PROTECT, db_index=False, related_name="postings", editable=False)
    leg_no = models.PositiveSmallIntegerField()
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    account_version = models.BigIntegerField()
    balance_after = models.DecimalField(max_digits=20, decimal_places=4)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["journal", "leg_no"], name="posting_leg_is_numbered_once"),
            models.UniqueConstraint(fields=["account", "account_version"], name="posting_account_version_is_used_once"),
            models.CheckConstraint(
                condition=~models.Q(amount=0) & models.Q(ExactMoney("amount", "currency")),
                name="posting_amount_is_exact",
            ),
        )

    def __str__(self) -> str:
        return f"{self.journal_id}/{self.leg_no}"

    @property
    def money(self) -> Money:
        """The signed amount: positive is a debit."""
        return exact_money(amount=self.amount, currency=self.currency, field="posting")


class Hold(models.Model):
    """Money reserved on a customer's account: a pending debit. It never changes; it is resolved by another row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, db_constraint=False, related_name="holds", editable=False)
    payment = models.ForeignKey("payments.Payment", models.PROTECT, null=True, blank=True, related_name="holds")
    saga_id = models.UUIDField(null=True, blank=True)
    step_key = models.CharField(max_length=200)
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    placed_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["step_key"], name="hold_step_key_is_used_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0) & models.Q(ExactMoney("amount", "currency")),
                name="hold_amount_is_exact",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at=None) | models.Q(expires_at__gt=models.F("placed_at")),
                name="hold_expires_after_it_is_placed",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def money(self) -> Money:
        return exact_money(amount=self.amount, currency=self.currency, field="hold")


class ResolutionKind(models.TextChoices):
    POSTED = "posted", "Posted"
    VOIDED = "voided", "Voided"


class HoldResolution(models.Model):
    """What became of a hold. The hold is its primary key, so there is one: posted (with the journal) or voided."""

    hold = models.OneToOneField(Hold, models.PROTECT, primary_key=True, related_name="resolution")
    kind = models.CharField(max_length=6, choices=ResolutionKind.choices)
    journal = models.OneToOneField(Journal, models.PROTECT, null=True, blank=True, related_name="resolved_hold")
    step_key = models.CharField(max_length=200)
    resolved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["step_key"], name="resolution_step_key_is_used_once"),
            models.CheckConstraint(
                condition=models.Q(kind=ResolutionKind.POSTED, journal__isnull=False)
                | models.Q(kind=ResolutionKind.VOIDED, journal=None),
                name="resolution_has_a_journal_when_posted",
            ),
        )

    def __str__(self) -> str:
        return f"{self.hold_id} {self.kind}"
