"""A payment and its states. What was ordered never changes; where it stands changes by the transitions below only.

The same pairs of states are in the database (`payment_may_move`), which guards `update()` and the shell as well; a test
compares the two. Names and IBANs stay in this table: a saga's payload carries the payment's id and nothing else.
"""

import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import models
from django.db.models.functions import Now
from django_fsm import ConcurrentTransitionMixin, FSMField, TransitionNotAllowed, transition
from moneyed import Money

from payments.errors import UnableToMovePayment
from payments.models.accounts import Account
from payments.models.exact import ExactMoney
from payments.money import exact_money
from sagas.ids import uuid7


class PaymentState(models.TextChoices):
    RECEIVED = "received", "Received"
    VALIDATED = "validated", "Validated"
    FUNDS_RESERVED = "funds_reserved", "Funds reserved"
    SENDING = "sending", "Sending"
    OUTCOME_UNKNOWN = "outcome_unknown", "Outcome unknown"
    SETTLED = "settled", "Settled"
    REJECTED = "rejected", "Rejected"


_REJECTABLE = [
    PaymentState.RECEIVED,
    PaymentState.VALIDATED,
    PaymentState.FUNDS_RESERVED,
    PaymentState.SENDING,
    PaymentState.OUTCOME_UNKNOWN,
]


class Payment(ConcurrentTransitionMixin, models.Model):
    """One credit transfer, ordered by a customer of ours.

    A `mark_...` method moves the object; `payments.services.payments` also saves it. Saving fails when another
    transaction has moved the payment since it was read.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    channel = models.CharField(max_length=100)
    saga_id = models.UUIDField(unique=True)
    uetr = models.UUIDField(unique=True, default=uuid.uuid4)
    end_to_end_id = models.CharField(max_length=35, db_index=True)
    debtor_account = models.ForeignKey(Account, models.PROTECT, related_name="payments", db_index=False)
    debtor_name = models.CharField(max_length=140)
    creditor_name = models.CharField(max_length=140)
    creditor_iban = models.CharField(max_length=34)
    creditor_bic = models.CharField(max_length=11, null=True, blank=True)  # noqa: DJ001 - NULL: not given
    currency = models.CharField(max_length=3)
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    remittance_information = models.CharField(max_length=140, blank=True)
    requested_execution_on = models.DateField()
    state = FSMField(
        default=PaymentState.RECEIVED, choices=PaymentState.choices, max_length=20, protected=True, db_index=False
    )
    reason_code = models.CharField(max_length=4, blank=True)
    reason_text = models.CharField(max_length=500, blank=True)
    rail_reference = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(amount__gt=0) & models.Q(ExactMoney("amount", "currency")),
                name="payment_amount_is_exact",
            ),
            models.CheckConstraint(
                condition=models.Q(state=PaymentState.SETTLED, settled_at__isnull=False)
                | (~models.Q(state=PaymentState.SETTLED) & models.Q(settled_at=None)),
                name="payment_settled_at_when_settled",
            ),
            models.CheckConstraint(
                condition=models.Q(state=PaymentState.REJECTED) & ~models.Q(reason_code="")
                | (~models.Q(state=PaymentState.REJECTED) & models.Q(reason_code="")),
                name="payment_reason_when_rejected",
            ),
        )
        indexes = (
            models.Index(fields=["state", "id"], name="payment_state"),
            models.Index(fields=["debtor_account", "id"], name="payment_debtor_account"),
            models.Index(fields=["creditor_iban", "id"], name="payment_creditor_iban"),
        )

    def __str__(self) -> str:
        return str(self.id)

    @property
    def money(self) -> Money:
        """The instructed amount."""
        return exact_money(amount=self.amount, currency=self.currency, field="amount")

    def mark_validated(self) -> None:
        """The order is well-formed and its parties can be reached."""
        self._move(self._validate, PaymentState.VALIDATED)

    def mark_funds_reserved(self) -> None:
        """The amount is held on the debtor's account."""
        self._move(self._reserve, PaymentState.FUNDS_RESERVED)

    def mark_sending(self) -> None:
        """The order is about to be given to the rail, or will be given again after an inquiry answered "not found"."""
        self._move(self._send, PaymentState.SENDING)

    def mark_outcome_unknown(self) -> None:
        """The rail may or may not have the order. Only an answer, a message, a statement or two people settle it."""
        self._move(self._lose_sight, PaymentState.OUTCOME_UNKNOWN)

    def mark_settled(self, *, at: datetime, rail_reference: str) -> None:
        """The rail has settled the order and the ledger has posted it."""
        self._move(self._settle, PaymentState.SETTLED)
        self.settled_at = at
        self.rail_reference = rail_reference

    def mark_rejected(self, *, reason_code: str, reason_text: str = "") -> None:
        """The payment will not happen, for an ISO 20022 external status reason; nothing stays reserved."""
        self._move(self._reject, PaymentState.REJECTED)
        self.reason_code = reason_code
        self.reason_text = reason_text[:500]

    def _move(self, move: Callable[[], object], target: PaymentState) -> None:
        try:
            move()
        except TransitionNotAllowed:
            raise UnableToMovePayment(payment_id=self.pk, state=str(self.state), target=target.value) from None

    # django-fsm's decorator is Any to mypy: these declare the machine, the typed methods above are its interface.
    @transition(field=state, source=PaymentState.RECEIVED, target=PaymentState.VALIDATED)
    def _validate(self) -> None: ...

    @transition(field=state, source=PaymentState.VALIDATED, target=PaymentState.FUNDS_RESERVED)
    def _reserve(self) -> None: ...

    @transition(
        field=state, source=[PaymentState.FUNDS_RESERVED, PaymentState.OUTCOME_UNKNOWN], target=PaymentState.SENDING
    )
    def _send(self) -> None: ...

    @transition(field=state, source=PaymentState.SENDING, target=PaymentState.OUTCOME_UNKNOWN)
    def _lose_sight(self) -> None: ...

    @transition(field=state, source=[PaymentState.SENDING, PaymentState.OUTCOME_UNKNOWN], target=PaymentState.SETTLED)
    def _settle(self) -> None: ...

    @transition(field=state, source=_REJECTABLE, target=PaymentState.REJECTED)
    def _reject(self) -> None: ...
