"""The steps of the transfer saga where they refuse before money is touched."""

from datetime import timedelta

import pytest
from django.conf import settings

from payments.intake import CreditTransferInstruction, accept_payment
from payments.models import Hold, Payment
from payments.services.accounts import open_settlement_account
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.integration.bank import TODAY, customer, eur


@pytest.mark.parametrize(("open_rails", "code"), [((), "AM03"), (("instant",), "AM04")])
def test_a_payment_that_no_rail_can_carry_is_refused_before_money_is_held(
    open_rails: tuple[str, ...], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a settlement account in the currency, a transfer that the rail had carried out could not be posted."""
    monkeypatch.setitem(settings.SAGAS, "LEASE", timedelta(seconds=5))
    for rail in open_rails:
        open_settlement_account(rail=rail, name="Settlement", currency="EUR")
    order = CreditTransferInstruction(
        debtor_iban=customer("1.00").iban or "",
        creditor_iban="FR1420041010050500013M02606",
        creditor_bic=None,
        creditor_name="Ben Okafor",
        amount=eur("100.00"),
        end_to_end_id="INV-1",
        remittance_information="",
        requested_execution_on=TODAY,
    )
    accept_payment(instruction=order, channel="test", idempotency_key="key")
    runner = Runner()
    try:
        runner.drain("default")
        assert runner.wait_until_idle(seconds=30)
    finally:
        runner.stop(seconds=10)
    assert SagaStatus.objects.get().status == "undone"
    assert Payment.objects.get().reason_code == code
    assert not Hold.objects.exists()
