"""Moves a payment along its states and saves it, inside the caller's transaction: one statement each.

Each raises `UnableToMovePayment` if the payment is in another state, or was moved by another transaction meanwhile.
"""

import re
from datetime import datetime
from typing import Final

from django_fsm import ConcurrentTransition

from payments.errors import UnableToMovePayment
from payments.models import Payment

_ISO_REASON: Final = re.compile(r"[A-Z0-9]{1,4}")


def mark_validated(*, payment: Payment) -> None:
    payment.mark_validated()
    _save(payment)


def mark_funds_reserved(*, payment: Payment) -> None:
    payment.mark_funds_reserved()
    _save(payment)


def mark_sending(*, payment: Payment) -> None:
    payment.mark_sending()
    _save(payment)


def mark_outcome_unknown(*, payment: Payment) -> None:
    payment.mark_outcome_unknown()
    _save(payment)


def mark_settled(*, payment: Payment, at: datetime, rail_reference: str) -> None:
    payment.mark_settled(at=at, rail_reference=rail_reference)
    _save(payment, "settled_at", "rail_reference")


def mark_rejected(*, payment: Payment, reason_code: str, reason_text: str = "") -> None:
    """Record the final no with its ISO 20022 external status reason. Its hold is voided by a step of its own.

    A code that is not of the form of ExternalStatusReason1Code is recorded as NARR, with the code in the text: whoever
    said no, the payment must be able to end.
    """
    if reason_code and not _ISO_REASON.fullmatch(reason_code):
        reason_code, reason_text = "NARR", f"{reason_code}: {reason_text}"
    payment.mark_rejected(reason_code=reason_code, reason_text=reason_text)
    _save(payment, "reason_code", "reason_text")


def _save(payment: Payment, *fields: str) -> None:
    target = str(payment.state)
    try:
        # UPDATE ... WHERE id AND state = <as it was read>: no row means that another transaction moved it first.
        payment.save(update_fields=["state", *fields])
    except ConcurrentTransition:
        raise UnableToMovePayment(payment_id=payment.pk, state="in another state by now", target=target) from None
