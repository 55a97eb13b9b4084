"""The Idempotency-Key header: one key, in quotes or bare (I1 to I3)."""

import pytest

from sagas.models import IdempotencyKey
from tests.api.caller import PAYMENTS, Caller, is_problem, order, rows
from tests.integration.bank import customer


def test_an_order_without_a_key_is_refused_and_told_where_to_read_about_it(shop: Caller) -> None:
    answer = shop.post(PAYMENTS, order(customer("100.00")))
    assert is_problem(answer, 400, "idempotency-key-missing")
    documentation = shop.get(answer.json()["type"])
    assert documentation.status_code == 200
    assert "Idempotency-Key: " in documentation.json()["explanation"]
    assert set(rows().values()) == {0}


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ('"8e03978e-40d5-43e8-bc93-6894a57f9324"', "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ("8e03978e-40d5-43e8-bc93-6894a57f9324", "8e03978e-40d5-43e8-bc93-6894a57f9324"),
        ('"with blanks, and a comma"', "with blanks, and a comma"),
        (r'"a \"quoted\" \\ key"', r'a "quoted" \ key'),
        ('"' + "x" * 255 + '"', "x" * 255),
        ("  bare  ", "bare"),
    ],
)
def test_a_key_is_read_as_what_it_says(shop: Caller, header: str, key: str) -> None:
    assert shop.order(key=header).status_code == 202
    assert IdempotencyKey.objects.get().key == key


def test_a_key_in_quotes_and_bare_is_the_same_key(shop: Caller) -> None:
    body = order(customer("100.00"))
    assert shop.order(body, key='"k-1"').content == shop.order(body, key="k-1").content


@pytest.mark.parametrize(
    "header",
    [
        "",
        '""',
        '"',
        '"open',
        'in"side',
        '"a", "b"',
        "a,b",
        "two words",
        '"k";p=1',
        r'"bad \escape"',
        '"tab\there"',
        '"f\u00fcr"',
        "x" * 256,
        '"' + "x" * 256 + '"',
    ],
)
def test_a_malformed_key_is_refused_and_nothing_is_stored(shop: Caller, header: str) -> None:
    assert is_problem(shop.order(key=header), 400, "idempotency-key-malformed")
    assert set(rows().values()) == {0}
