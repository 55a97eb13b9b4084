"""The bodies of the steps of payment sagas; the flows are in `payments/sagas.py`."""

from datetime import timedelta
from uuid import UUID

from pydantic import AwareDatetime

from payments.errors import refusals_reject
from payments.models import PaymentState
from payments.orders import TransferOrder
from payments.providers.instant_rail import InstantRail, RailReceipt
from payments.selectors import payment_of, rail_is_open, settlement_account
from payments.services import ledger, payments
from payments.services.validation import require_payable
from sagas import (
    Happened,
    InquirySchedule,
    LocalContext,
    NotFound,
    Payload,
    Refused,
    Rejected,
    RemoteCall,
    RetryPolicy,
    StillPending,
    local_step,
    remote_step,
)

#: The rail that this slice's transfers go over.
RAIL = "instant"


class Reservation(Payload):
    """Money held on the debtor's account."""

    hold_id: UUID


class Settlement(Payload):
    """A transfer that the rail has settled and the books have posted."""

    journal_id: UUID
    rail_reference: str
    settled_at: AwareDatetime


@local_step
def validate(step: LocalContext, order: TransferOrder) -> None:
    """Refuse what cannot be paid, with its ISO reason, before money is touched."""
    payment = payment_of(payment_id=order.payment_id)
    with refusals_reject():
        require_payable(payment=payment)
    if not rail_is_open(rail=RAIL, currency=payment.currency):
        raise Rejected("AM03", f"the {RAIL} rail carries no {payment.currency}")
    payments.mark_validated(payment=payment)


@local_step
def reserve_funds(step: LocalContext, order: TransferOrder) -> Reservation:
    """Hold the amount on the debtor's account: still theirs, no longer available."""
    payment = payment_of(payment_id=order.payment_id)
    with refusals_reject():
        hold = ledger.place_hold(
            account_id=payment.debtor_account_id,
            amount=payment.money,
            step_key=step.key,
            saga_id=step.saga_id,
            payment_id=payment.pk,
        )
    payments.mark_funds_reserved(payment=payment)
    return Reservation(hold_id=hold.pk)


@local_step
def release_funds(step: LocalContext, order: TransferOrder, reservation: Reservation) -> None:
    """Undo of `reserve_funds`: the amount is available to the debtor again."""
    ledger.void_hold(hold_id=reservation.hold_id, step_key=step.key)


@local_step
def mark_sending(step: LocalContext, order: TransferOrder) -> None:
    """From here on the rail may have it; committed with the intent, before the network is touched."""
    payments.mark_sending(payment=payment_of(payment_id=order.payment_id))


def mark_outcome_unknown(step: LocalContext, order: TransferOrder) -> None:
    """The rail's answer was lost: the payment says so until an inquiry settles it."""
    payment = payment_of(payment_id=order.payment_id)
    if payment.state == PaymentState.SENDING:  # a second inquiry without an answer finds it said already
        payments.mark_outcome_unknown(payment=payment)


def ask_rail(call: RemoteCall, order: TransferOrder) -> Happened[RailReceipt] | Refused | NotFound | StillPending:
    """What became of a transfer whose answer was lost (the rail's pacs.028)."""
    payment = payment_of(payment_id=order.payment_id)
    return InstantRail().inquire(
        idempotency_key=call.idempotency_key, uetr=payment.uetr, amount=payment.money, timeout=call.timeout
    )


@remote_step(
    timeout=timedelta(seconds=5),
    retry=RetryPolicy(first=timedelta(seconds=1), cap=timedelta(minutes=1), max_attempts=20),
    inquiry=ask_rail,
    inquiry_schedule=InquirySchedule(
        delays=tuple(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 60, 600, 3600)), max_inquiries=30
    ),
    # The rail keeps keys for good; after a month a repeat would surprise the customer more than a question does.
    key_valid_for=timedelta(days=30),
    on_unknown=mark_outcome_unknown,
)
def send_to_rail(call: RemoteCall, order: TransferOrder) -> RailReceipt:
    """Give the transfer to the rail; on return the creditor has the money."""
    payment = payment_of(payment_id=order.payment_id)
    return InstantRail().submit(
        idempotency_key=call.idempotency_key,
        uetr=payment.uetr,
        end_to_end_id=payment.end_to_end_id,
        amount=payment.money,
        debtor_iban=payment.debtor_account.iban or "",
        creditor_iban=payment.creditor_iban,
        creditor_name=payment.creditor_name,
        remittance_information=payment.remittance_information or None,
        timeout=call.timeout,
    )


@local_step
def post_settlement(
    step: LocalContext, order: TransferOrder, reservation: Reservation, receipt: RailReceipt
) -> Settlement:
    """Turn the hold into a booking: the debtor's balance falls, so does what we have at the rail."""
    payment = payment_of(payment_id=order.payment_id)
    nostro = settlement_account(rail=RAIL, currency=payment.currency)
    journal_id = ledger.post_hold(
        hold_id=reservation.hold_id,
        credit_account_id=nostro.pk,
        step_key=step.key,
        value_on=receipt.accepted_at.date(),
    )
    payments.mark_settled(payment=payment, at=receipt.accepted_at, rail_reference=receipt.rail_reference)
    return Settlement(journal_id=journal_id, rail_reference=receipt.rail_reference, settled_at=receipt.accepted_at)


@local_step
def reject_payment(step: LocalContext, order: TransferOrder) -> None:
    """Undo of the start: the payment is rejected, with the reason that ended it. Runs last; nothing is reserved."""
    code, text = (step.reason.code, step.reason.reason) if step.reason else ("MS03", "")
    payments.mark_rejected(payment=payment_of(payment_id=order.payment_id), reason_code=code, reason_text=text)
