"""What the rail may say, and what must not become of the money whatever it says."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from payments.models import Payment
from payments.providers.instant_rail import InstantRail
from payments.providers.instant_rail.messages import TransferStatus
from payments.services import payments
from sagas import OutcomeUnknown
from tests.api.caller import PAYMENTS, Caller
from tests.integration.bank import eur
from tests.integration.simulator_process import ORDER, running_simulators

TIMEOUT = timedelta(seconds=5)


def _submit(rail: InstantRail, amount: str) -> Any:
    return rail.submit(
        idempotency_key="one-key",
        uetr=UUID(ORDER["uetr"]),
        end_to_end_id="INVOICE-4711",
        amount=eur(amount),
        debtor_iban=ORDER["debtor_iban"],
        creditor_iban=ORDER["creditor_iban"],
        creditor_name=ORDER["creditor_name"],
        remittance_information=None,
        timeout=TIMEOUT,
    )


def test_an_inquiry_never_settles_a_payment_with_another_orders_money(tmp_path: Path) -> None:
    with running_simulators(tmp_path) as simulators:
        rail = InstantRail(base_url=simulators.url)
        assert _submit(rail, "1.00").rail_reference
        with pytest.raises(OutcomeUnknown, match="another order"):
            _submit(rail, "5000.00")

        # The engine asks now. "Happened" would post 5000.00 EUR for the 1.00 EUR that the rail has settled.
        with pytest.raises(OutcomeUnknown, match="another transfer"):
            rail.inquire(idempotency_key="one-key", uetr=UUID(ORDER["uetr"]), amount=eur("5000.00"), timeout=TIMEOUT)


@pytest.mark.parametrize("accepted_at", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_an_absurd_time_of_the_rail_does_not_make_the_channels_payments_unreadable(accepted_at: str) -> None:
    caller = Caller.new()
    payment = Payment.objects.get(pk=caller.order().json()["id"])
    answer = {"status": "ACSC", "idempotency_key": "k", "uetr": str(payment.uetr), "amount": "12.34", "currency": "EUR"}
    try:
        status: Any = TransferStatus.model_validate_json(
            json.dumps(answer | {"rail_reference": "R1", "accepted_at": accepted_at})
        ).root
    except ValidationError:
        return  # no answer: the outcome is unknown, and is asked for again

    for move in (payments.mark_validated, payments.mark_funds_reserved, payments.mark_sending):
        move(payment=payment)
    payments.mark_settled(payment=payment, at=status.receipt.accepted_at, rail_reference="R1")
    assert caller.get(PAYMENTS).status_code == 200
