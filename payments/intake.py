"""Accepts credit transfers: from the API, from pain.001 files, from other domains.

Two kinds of mistakes, told apart on purpose. What cannot be a payment at all (a field missing, too long, with
characters that no rail carries, an IBAN or BIC that does not even have the shape, an amount that is not exact money, a
debtor who has no account here) is refused here with the field's name: no payment, no saga, nothing stored. What is a
payment but cannot succeed (check digits of the creditor's IBAN wrong: AC01; a BIC of no country: RC01; account closed:
AC04; funds missing: AM04) is accepted and rejected by the saga's own steps (`payments/services/validation.py`), so that
it has an id, a reason and an audit trail, and a file of 200 transactions is not refused for one mistyped digit.
"""

import re
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db import transaction
from moneyed import Money

from payments.errors import DuplicateUetr, FieldRefused, UnknownDebtorAccount
from payments.models import Account, AccountKind, Payment
from payments.money import positive_money
from payments.orders import TransferOrder
from payments.services.refusals import typed_refusals
from sagas import IdempotencyConflict, start
from sagas.ids import uuid7
from sagas.models import IdempotencyKey

#: The saga that runs an accepted payment; it is started by name.
CREDIT_TRANSFER: Final = "payments.credit_transfer"

#: IBAN2007Identifier of ISO 20022, with the lengths that ISO 13616 has.
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
#: BICFIDec2014Identifier of ISO 20022.
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
#: The characters that every SEPA participant must carry (EPC217-08); references may have no others.
_REFERENCE: Final = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTransferInstruction:
    """What a customer orders. Making one checks every field; it raises `FieldRefused` with the field and its limit.

    IBANs are in electronic form: capitals, no spaces. Without a `uetr` the payment gets one when it is accepted.
    """

    debtor_iban: str
    creditor_iban: str
    creditor_bic: str | None
    creditor_name: str
    amount: Money
    end_to_end_id: str
    remittance_information: str
    requested_execution_on: date
    uetr: UUID | None = None

    def __post_init__(self) -> None:
        for field in ("debtor_iban", "creditor_iban"):
            _require_shape(
                field, getattr(self, field), _IBAN, "is not an IBAN in electronic form (capitals, no spaces)"
            )
        if self.creditor_bic is not None:
            _require_shape("creditor_bic", self.creditor_bic, _BIC, "is not a BIC of 8 or 11 capitals and digits")
        _require_text("creditor_name", self.creditor_name, limit=140)
        _require_text("remittance_information", self.remittance_information, limit=140, may_be_empty=True)
        _require_text("end_to_end_id", self.end_to_end_id, limit=35)
        _require_reference("end_to_end_id", self.end_to_end_id)
        exact = positive_money(amount=self.amount.amount, currency=self.amount.currency.code, field="amount")
        object.__setattr__(self, "amount", exact)  # quantised, so that equal requests have equal fingerprints
        if self.uetr is not None and (self.uetr.version != 4 or self.uetr.variant != uuid.RFC_4122):
            raise FieldRefused(field="uetr", problem="is not a UUID of version 4 (RFC 9562)")

    def request(self) -> dict[str, str | None]:
        """The instruction as JSON, equal for equal instructions: what the idempotency key's fingerprint is made of."""
        return {
            "debtor_iban": self.debtor_iban,
            "creditor_iban": self.creditor_iban,
            "creditor_bic": self.creditor_bic,
            "creditor_name": self.creditor_name,
            "amount": str(self.amount.amount),
            "currency": self.amount.currency.code,
            "end_to_end_id": self.end_to_end_id,
            "remittance_information": self.remittance_information,
            "requested_execution_on": self.requested_execution_on.isoformat(),
            "uetr": str(self.uetr) if self.uetr else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedPayment:
    """The payment that an instruction became; `created` is false if an earlier request with the key made it."""

    payment_id: UUID
    saga_id: UUID
    created: bool


def accept_payment(*, instruction: CreditTransferInstruction, channel: str, idempotency_key: str) -> AcceptedPayment:
    """Make the payment and start its saga in one transaction; both are durable when the outermost one commits.

    Repeating it with the same channel, key and instruction returns the first payment, for ever. Raises
    `UnknownDebtorAccount`, `DuplicateUetr`, and the engine's `IdempotencyConflict` if the key was used for another
    instruction; nothing is stored then. The saga's hint to the workers goes out after the commit.
    """
    with transaction.atomic():
        debtor = Account.objects.filter(iban=instruction.debtor_iban, kind=AccountKind.CUSTOMER).first()
        if debtor is None:
            raise UnknownDebtorAccount
        payment_id = uuid7()
        uetr = instruction.uetr or uuid.uuid4()
        try:
            started = start(
                CREDIT_TRANSFER,
                TransferOrder(payment_id=payment_id),
                channel=channel,
                idempotency_key=idempotency_key,
                request=instruction.request(),
                business_key=str(uetr),
            )
        except IdempotencyConflict:
            if _key_was_used(channel=channel, idempotency_key=idempotency_key):
                raise
            raise DuplicateUetr from None  # the business key was in the way, not the idempotency key
        if not started.created:
            first = Payment.objects.only("id").get(saga_id=started.saga_id)
            return AcceptedPayment(payment_id=first.pk, saga_id=started.saga_id, created=False)
        with typed_refusals():
            Payment.objects.create(
                id=payment_id,
                channel=channel,
                saga_id=started.saga_id,
                uetr=uetr,
                end_to_end_id=instruction.end_to_end_id,
                debtor_account=debtor,
                debtor_name=debtor.name,
                creditor_name=instruction.creditor_name,
                creditor_iban=instruction.creditor_iban,
                creditor_bic=instruction.creditor_bic,
                amount=instruction.amount.amount,
                currency=instruction.amount.currency.code,
                remittance_information=instruction.remittance_information,
                requested_execution_on=instruction.requested_execution_on,
            )
        return AcceptedPayment(payment_id=payment_id, saga_id=started.saga_id, created=True)


def _key_was_used(*, channel: str, idempotency_key: str) -> bool:
    return IdempotencyKey.objects.filter(channel=channel, definition=CREDIT_TRANSFER, key=idempotency_key).exists()


def _require_shape(field: str, text: str, shape: re.Pattern[str], problem: str) -> None:
    if not shape.fullmatch(text):
        raise FieldRefused(field=field, problem=problem)


def _require_text(field: str, text: str, *, limit: int, may_be_empty: bool = False) -> None:
    if not text.strip() and not (may_be_empty and not text):
        raise FieldRefused(field=field, problem="is empty")
    if len(text) > limit:
        raise FieldRefused(field=field, problem=f"has {len(text)} characters; the limit is {limit} (ISO 20022)")
    if not text.isprintable():
        raise FieldRefused(field=field, problem="has control or other unprintable characters")


def _require_reference(field: str, text: str) -> None:
    if not _REFERENCE.fullmatch(text):
        raise FieldRefused(field=field, problem="has characters beyond letters, digits and / - ? : ( ) . , ' + space")
    # EPC132-08: references neither begin nor end with a slash, nor hold two in a row.
    if text.startswith("/") or text.endswith("/") or "//" in text:
        raise FieldRefused(field=field, problem="begins or ends with a slash, or has two in a row")
