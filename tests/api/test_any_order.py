"""Whatever is sent as an order is accepted, or refused as a problem that names what is wrong; it is never an error."""

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.models import Payment
from sagas.models import Saga
from tests.api.caller import Caller, is_problem, order
from tests.integration.bank import customer

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *("debtor_iban", "creditor_iban", "creditor_bic", "creditor_name", "amount", "end_to_end_id"),
    *("remittance_information", "requested_execution_on", "uetr"),
)
AMOUNTS = st.fixed_dictionaries({"amount": JSON, "currency": JSON}) | st.fixed_dictionaries(
    {"amount": st.text("0123456789.-+eE_ ", max_size=25), "currency": st.sampled_from(["EUR", "JPY", "BHD", "XAU", ""])}
)

_numbers = count(1)


@pytest.fixture
def good(database: object) -> dict[str, Any]:
    return order(customer("100.00"))


@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3), amount=st.none() | AMOUNTS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_of_an_order_is_accepted_or_refused_by_name(
    shop: Caller, good: dict[str, Any], changes: dict[str, Any], amount: Any
) -> None:
    body = good | changes | ({"amount": amount} if amount else {})
    before = Payment.objects.count()
    answer = shop.order(json.dumps(body).encode(), key=f"k-{next(_numbers)}")
    if answer.status_code == 202:
        assert Payment.objects.count() == Saga.objects.count() == before + 1
        assert shop.get(answer["Location"]).json()["creditor_name"] == body["creditor_name"]
        return
    assert is_problem(answer, 400, "validation-failed") or is_problem(answer, 400, "malformed-request")
    for error in answer.json().get("errors", []):
        assert error["field"].split(".")[0] in body
    assert Payment.objects.count() == Saga.objects.count() == before


@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused_as_a_problem(shop: Caller, body: bytes) -> None:
    answer = shop.order(body)
    assert is_problem(answer, 400, "validation-failed") or is_problem(answer, 400, "malformed-request")
    assert Saga.objects.count() == 0


@given(header=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=300))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_idempotency_key_is_one_key_or_refused(shop: Caller, good: dict[str, Any], header: str) -> None:
    answer = shop.order(good, key=header)
    assert answer.status_code == 202 or is_problem(answer, 400, "idempotency-key-malformed")


@given(query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_query_is_answered_or_refused(shop: Caller, query: str) -> None:
    answer = shop.get(f"/api/v1/payments?{query.replace('#', '')}")
    assert answer.status_code in (200, 400), answer.content
