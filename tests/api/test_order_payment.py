"""An order becomes one payment; a repeat gets the first answer; nothing of one channel is known to another."""

import json
from datetime import timedelta

import pytest

from payments.api import instructions
from payments.models import Payment
from sagas.clock import clock
from sagas.models import Saga
from tests.api.caller import PAYMENTS, Caller, is_problem, order, rows
from tests.integration.bank import customer


def test_an_order_is_accepted_with_a_place_to_look_at_it(shop: Caller) -> None:
    answer = shop.order()
    payment = Payment.objects.get()
    assert answer.status_code == 202
    assert answer["Location"] == f"{PAYMENTS}/{payment.pk}"
    assert answer["Retry-After"] == "1"
    assert "Idempotent-Replayed" not in answer
    assert answer.json() == {
        "id": str(payment.pk),
        "saga_id": str(payment.saga_id),
        "uetr": str(payment.uetr),
        "links": {"self": f"{PAYMENTS}/{payment.pk}", "saga": f"/api/v1/sagas/{payment.saga_id}"},
    }
    assert payment.channel == f"api:{shop.client_id}"


def test_a_repeat_has_the_first_status_and_body_and_says_so(shop: Caller) -> None:
    body = order(customer("100.00"))
    first, again = shop.order(body), shop.order(body)
    assert (again.status_code, again.content, again["Location"]) == (202, first.content, first["Location"])
    assert again["Idempotent-Replayed"] == "true"
    assert Payment.objects.count() == Saga.objects.count() == 1


def test_the_order_of_a_bodys_fields_does_not_matter_for_a_repeat(shop: Caller) -> None:
    body = order(customer("100.00"))
    turned = json.dumps(dict(reversed(body.items())), indent=4).encode()
    assert list(json.loads(turned)) != list(body)
    assert shop.order(turned).content == shop.order(body).content


def test_a_repeat_after_midnight_is_still_the_same_order(shop: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    body = order(customer("100.00"))
    first = shop.order(body)

    class Tomorrow:
        @staticmethod
        def now() -> object:
            return clock.now() + timedelta(days=1)

    monkeypatch.setattr(instructions, "clock", Tomorrow)
    assert shop.order(body).content == first.content


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"amount": "12.35", "currency": "EUR"}},
        {"end_to_end_id": "INV-2"},
        {"creditor_iban": "FR1420041010050500013M02606"},
        {"remittance_information": "more"},
        {"uetr": "eb6305c9-1f7f-49de-aed0-16487c27b42d"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_key_that_was_used_for_another_order_is_refused_and_nothing_is_stored(
    shop: Caller, change: dict[str, object]
) -> None:
    body = order(customer("100.00"))
    shop.order(body)
    before = rows()
    assert is_problem(shop.order(body | change), 422, "idempotency-key-reused")
    assert rows() == before


def test_two_channels_may_use_the_same_key(shop: Caller) -> None:
    body = order(customer("100.00"))
    other = Caller.new(name="till")
    assert shop.order(body).json()["id"] != other.order(body).json()["id"]


def test_a_refused_order_leaves_its_key_free_for_the_corrected_one(shop: Caller) -> None:
    debtor = customer("100.00")
    assert shop.order(order(debtor, end_to_end_id="")).status_code == 400
    answer = shop.order(order(debtor))
    assert answer.status_code == 202
    assert "Idempotent-Replayed" not in answer


def test_a_uetr_of_another_payment_is_refused_by_name(shop: Caller) -> None:
    body = order(customer("100.00"), uetr="eb6305c9-1f7f-49de-aed0-16487c27b42d")
    shop.order(body, key='"k-1"')
    before = rows()
    answer = shop.order(body, key='"k-2"')
    assert is_problem(answer, 400, "validation-failed")
    assert [error["field"] for error in answer.json()["errors"]] == ["uetr"]
    assert rows() == before


def test_what_cannot_succeed_is_accepted_so_that_it_gets_a_reason_and_a_trail(shop: Caller) -> None:
    assert shop.order(order(customer("1.00"), creditor_iban="DE00370400440532013000")).status_code == 202
