"""What rejects a payment before money is reserved, and for which ISO 20022 reason."""

import pytest

from payments.errors import Refusal, refusals_reject
from payments.services.accounts import close_account
from payments.services.validation import require_payable
from sagas import Rejected
from tests.integration.bank import a_payment, again, customer


@pytest.mark.parametrize("bic", [None, "COBADEFF", "COBADEFFXXX", "ZZZZDEFF"])
def test_a_payment_with_a_valid_creditor_is_payable(bic: str | None) -> None:
    require_payable(payment=a_payment(creditor_bic=bic))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"creditor_iban": "DE00370400440532013000"}, "AC01"),
        ({"creditor_iban": "DE8937040044053201300"}, "AC01"),
        ({"creditor_iban": "ZZ89370400440532013000"}, "AC01"),
        ({"creditor_bic": "COBAZZFF"}, "RC01"),
        ({"currency": "USD"}, "AM03"),
    ],
)
def test_a_payment_that_cannot_be_sent_is_refused_with_its_reason(columns: dict[str, str], reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        require_payable(payment=a_payment(**columns))
    assert refused.value.reason_code == reason
    assert "DE" not in str(refused.value)


def test_a_closed_account_pays_nothing() -> None:
    account = customer()
    close_account(account_id=account.pk)
    with pytest.raises(Refusal) as refused:
        require_payable(payment=a_payment(debtor_account=again(account)))
    assert refused.value.reason_code == "AC04"


def test_in_a_saga_step_a_refusal_rejects_with_the_same_reason() -> None:
    with pytest.raises(Rejected) as rejected, refusals_reject():
        require_payable(payment=a_payment(creditor_iban="DE00370400440532013000"))
    assert rejected.value.code == "AC01"
