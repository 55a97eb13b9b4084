"""The inputs of the payment sagas. They hold references only: names and IBANs stay in the payment's row."""

from uuid import UUID

from sagas.payload import Payload


class TransferOrder(Payload):
    """Starts `payments.credit_transfer`."""

    payment_id: UUID
