"""What is refused at intake names its field and its limit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from moneyed import EUR, JPY, Money

from payments.errors import FieldRefused
from payments.intake import CreditTransferInstruction

GOOD = CreditTransferInstruction(
    debtor_iban="NL17RCRS0004100001",
    creditor_iban="DE89370400440532013000",
    creditor_bic="COBADEFFXXX",
    creditor_name="Müller & Söhne",
    amount=Money(Decimal("12.5"), EUR),
    end_to_end_id="INV/2026-1",
    remittance_information="",
    requested_execution_on=date(2026, 11, 20),
    uetr=UUID("eb6305c9-1f7f-49de-aed0-16487c27b42d"),
)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("debtor_iban", "NL17 RCRS 0004 1000 01", "electronic form"),
        ("debtor_iban", "", "electronic form"),
        ("creditor_iban", "de89370400440532013000", "electronic form"),
        ("creditor_iban", "DE89" + "1" * 31, "electronic form"),
        ("creditor_iban", "DE89370400440532013000\n", "electronic form"),
        ("creditor_bic", "COBADEFFXX", "8 or 11"),
        ("creditor_bic", "", "8 or 11"),
        ("creditor_name", "", "is empty"),
        ("creditor_name", "   ", "is empty"),
        ("creditor_name", "x" * 141, "141 characters; the limit is 140"),
        ("creditor_name", "Ada\x00", "unprintable"),
        ("creditor_name", "Ada\u202egnp", "unprintable"),
        ("remittance_information", "x" * 141, "141 characters; the limit is 140"),
        ("remittance_information", "a\nb", "unprintable"),
        ("remittance_information", " ", "is empty"),
        ("end_to_end_id", "", "is empty"),
        ("end_to_end_id", "x" * 36, "36 characters; the limit is 35"),
        ("end_to_end_id", "INV#1", "beyond letters"),
        ("end_to_end_id", "Ä1", "beyond letters"),
        ("end_to_end_id", "/1", "slash"),
        ("end_to_end_id", "1/", "slash"),
        ("end_to_end_id", "1//2", "slash"),
        ("amount", Money(0, EUR), "not greater than zero"),
        ("amount", Money(Decimal("1.005"), EUR), "fraction digits"),
        ("amount", Money(Decimal("10.5"), JPY), "fraction digits"),
        ("uetr", UUID("01a1f84a-1413-798d-bdc3-af77bc7e63fd"), "version 4"),
    ],
)
def test_a_field_that_cannot_be_in_a_payment_is_refused_by_its_name(field: str, value: Any, said: str) -> None:
    with pytest.raises(FieldRefused, match=said) as refused:
        replace(GOOD, **{field: value})
    assert refused.value.field == field


def test_wrong_check_digits_are_not_refused_here_but_reject_the_payment_later() -> None:
    assert replace(GOOD, creditor_iban="DE00370400440532013000", creditor_bic=None)


def test_equal_instructions_make_equal_requests() -> None:
    assert replace(GOOD, amount=Money(Decimal("12.500"), EUR)).request() == GOOD.request()
    assert GOOD.request()["amount"] == "12.50"


def test_every_field_of_the_instruction_is_in_the_request() -> None:
    changed: dict[str, Any] = {"creditor_name": "Other", "uetr": None, "amount": Money(13, EUR), "creditor_bic": None}
    for field, value in changed.items():
        assert replace(GOOD, **{field: value}).request() != GOOD.request()
    fields = set(CreditTransferInstruction.__dataclass_fields__) | {"currency"}
    assert set(GOOD.request()) == fields
