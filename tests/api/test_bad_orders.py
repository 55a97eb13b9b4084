"""Every field that is not acceptable is named, and nothing at all is stored."""

from typing import Any

import pytest

from tests.api.caller import Caller, is_problem, order, rows
from tests.integration.bank import customer

EUR = {"amount": "1.00", "currency": "EUR"}

BAD_FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("debtor_iban", {"debtor_iban": None}),
    ("creditor_iban", {"creditor_iban": None}),
    ("creditor_name", {"creditor_name": None}),
    ("amount", {"amount": None}),
    ("end_to_end_id", {"end_to_end_id": None}),
    ("debtor_iban", {"debtor_iban": "NL02ABNA0123456789"}),
    ("debtor_iban", {"debtor_iban": "nl02abna0123456789"}),
    ("debtor_iban", {"debtor_iban": 4711}),
    ("creditor_iban", {"creditor_iban": "DE89 3704 0044 0532 0130 00"}),
    ("creditor_iban", {"creditor_iban": "D" * 35}),
    ("creditor_bic", {"creditor_bic": "COBADEFF1"}),
    ("creditor_bic", {"creditor_bic": False}),
    ("creditor_name", {"creditor_name": ""}),
    ("creditor_name", {"creditor_name": "   "}),
    ("creditor_name", {"creditor_name": "x" * 141}),
    ("creditor_name", {"creditor_name": "a\nb"}),
    ("creditor_name", {"creditor_name": "a\x00b"}),
    ("creditor_name", {"creditor_name": ["Ben"]}),
    ("amount", {"amount": "12.34"}),
    ("amount", {"amount": 12.34}),
    ("amount", {"amount": []}),
    ("amount.amount", {"amount": {"currency": "EUR"}}),
    ("amount.currency", {"amount": {"amount": "1.00"}}),
    ("amount.amount", {"amount": EUR | {"amount": 12.34}}),
    ("amount.amount", {"amount": EUR | {"amount": 12}}),
    ("amount.amount", {"amount": EUR | {"amount": True}}),
    ("amount.amount", {"amount": EUR | {"amount": "1.005"}}),
    ("amount.amount", {"amount": EUR | {"amount": "0.00"}}),
    ("amount.amount", {"amount": EUR | {"amount": "-1.00"}}),
    ("amount.amount", {"amount": EUR | {"amount": "1e2"}}),
    ("amount.amount", {"amount": EUR | {"amount": "NaN"}}),
    ("amount.amount", {"amount": EUR | {"amount": "1,00"}}),
    ("amount.amount", {"amount": EUR | {"amount": " 1.00"}}),
    ("amount.amount", {"amount": EUR | {"amount": "\u0661\u0662"}}),
    ("amount.amount", {"amount": EUR | {"amount": "9" * 17}}),
    ("amount.amount", {"amount": {"amount": "10.5", "currency": "JPY"}}),
    ("amount.currency", {"amount": EUR | {"currency": "eur"}}),
    ("amount.currency", {"amount": EUR | {"currency": "XXX"}}),
    ("amount.currency", {"amount": EUR | {"currency": 978}}),
    ("amount.value", {"amount": EUR | {"value": "1.00"}}),
    ("end_to_end_id", {"end_to_end_id": "x" * 36}),
    ("end_to_end_id", {"end_to_end_id": "f\u00fcr"}),
    ("end_to_end_id", {"end_to_end_id": "a//b"}),
    ("remittance_information", {"remittance_information": "x" * 141}),
    ("remittance_information", {"remittance_information": 815}),
    ("requested_execution_on", {"requested_execution_on": "tomorrow"}),
    ("requested_execution_on", {"requested_execution_on": "20261120"}),
    ("requested_execution_on", {"requested_execution_on": "2026-02-30"}),
    ("requested_execution_on", {"requested_execution_on": 20261120}),
    ("requested_execution_on", {"requested_execution_on": "9999-12-31"}),
    ("uetr", {"uetr": "eb6305c91f7f49deaed016487c27b42d"}),
    ("uetr", {"uetr": "019a9f6e-1c40-7a51-8f6e-3b1f5f0d9a77"}),
    ("uetr", {"uetr": 7}),
    ("amuont", {"amuont": EUR}),
    ("chanel", {"chanel": "x", "state": "settled"}),
]


@pytest.mark.parametrize(("field", "change"), BAD_FIELDS, ids=lambda part: str(part)[:40])
def test_a_bad_field_is_named_and_nothing_is_stored(shop: Caller, field: str, change: dict[str, Any]) -> None:
    answer = shop.order(order(customer("100.00"), **change))
    assert is_problem(answer, 400, "validation-failed")
    errors = answer.json()["errors"]
    assert errors[0]["field"] == field, errors
    assert all(error["problem"] for error in errors)
    assert field in answer.json()["detail"]
    assert set(rows().values()) == {0}


def test_all_bad_fields_are_named_at_once(shop: Caller) -> None:
    answer = shop.order(order(customer(), creditor_name=1, end_to_end_id=None, colour="red"))
    assert {error["field"] for error in answer.json()["errors"]} == {"creditor_name", "end_to_end_id", "colour"}


GOOD_AMOUNT = b'"amount": {"amount": "1.00", "currency": "EUR"}'
MALFORMED = {
    "cut off": b'{"amount": ',
    "not UTF-8": b'{"creditor_name": "\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "a lone surrogate": rb'{"creditor_name": "\ud800"}',
    "a lone surrogate as a name": rb'{"\ud800": 1}',
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": -Infinity}',
    "a giant number": b'{"amount": ' + b"9" * 5000 + b"}",
    "a giant fraction": b'{"amount": 0.' + b"9" * 5000 + b"}",
    "deep nesting": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000,
    "a name twice": b"{" + GOOD_AMOUNT + b", " + GOOD_AMOUNT + b"}",
    "a name twice, further down": b'{"amount": {"amount": "1.00", "amount": "9000.00", "currency": "EUR"}}',
    "two documents": b"{} {}",
    "a trailing comma": b'{"a": 1,}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_body_that_is_not_strict_json_is_refused(shop: Caller, body: bytes) -> None:
    assert is_problem(shop.order(body), 400, "malformed-request")
    assert set(rows().values()) == {0}


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1e999999", b"null"])
def test_a_body_that_is_no_object_is_refused(shop: Caller, body: bytes) -> None:
    answer = shop.order(body)
    assert is_problem(answer, 400, "validation-failed")
    assert answer.json()["errors"][0]["field"] == "body"


def test_a_missing_body_lacks_every_field(shop: Caller) -> None:
    answer = shop.order(b"")
    assert is_problem(answer, 400, "validation-failed")
    assert "debtor_iban" in {error["field"] for error in answer.json()["errors"]}


def test_a_body_over_the_limit_is_refused_unread(shop: Caller) -> None:
    answer = shop.order(b'{"creditor_name": "' + b"x" * 300_000 + b'"}')
    assert is_problem(answer, 413, "body-too-large")
    assert "262,144" in answer.json()["detail"]
    assert set(rows().values()) == {0}


@pytest.mark.parametrize("kind", ["application/xml", "multipart/form-data", "application/x-www-form-urlencoded", "x"])
def test_only_json_is_read(shop: Caller, kind: str) -> None:
    answer = shop.post("/api/v1/payments", b"a=b", Idempotency_Key="k", Content_Type=kind)
    assert is_problem(answer, 415, "unsupported-media-type")
