"""The payment flows, and nothing else: each line is a line of the business; its body is in `payments/steps.py`."""

from payments.intake import CREDIT_TRANSFER
from payments.orders import TransferOrder
from payments.steps import (
    Settlement,
    mark_sending,
    post_settlement,
    reject_payment,
    release_funds,
    reserve_funds,
    send_to_rail,
    validate,
)
from sagas import Saga, saga


@saga(CREDIT_TRANSFER, version=1, undo=reject_payment, owner="payments.operations")
def credit_transfer(s: Saga, order: TransferOrder) -> Settlement:
    """A credit transfer over the instant rail (SCT Inst)."""
    s.run(validate, order)
    reservation = s.run(reserve_funds, order, undo=release_funds)
    s.run(mark_sending, order)
    receipt = s.run(send_to_rail, order, pivot=True)
    return s.run(post_settlement, order, reservation, receipt)
