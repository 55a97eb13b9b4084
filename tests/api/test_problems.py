"""Every error below /api/ is a problem (RFC 9457), whoever answers it, and every problem's type is documented."""

from typing import Any

import psycopg
import pytest
from django.conf import LazySettings
from django.db import connection

from config.api.catalogue import catalogue
from tests.api.caller import PAYMENTS, Caller, client, is_problem, order, rows
from tests.integration.bank import customer
from tests.plugin import Database


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/nothing", "/api/v1/payments/", "/api/v2/payments", "/api/v1/payments/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_without_anything_is_a_problem(method: str, path: str, debug: bool, settings: LazySettings) -> None:
    settings.DEBUG = debug
    assert is_problem(client().generic(method, path), 404, "not-found")


def test_elsewhere_django_answers_as_ever() -> None:
    answer = client().get("/nothing")
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_method_that_is_not_offered_is_a_problem(shop: Caller, method: str) -> None:
    answer: Any = client().generic(method, PAYMENTS, headers={"Authorization": f"Bearer {shop.token}"})
    assert is_problem(answer, 405, "method-not-allowed")
    assert "POST" in answer["Allow"]


def test_another_representation_is_a_problem(shop: Caller) -> None:
    assert is_problem(shop.get(PAYMENTS, Accept="text/html"), 406, "not-acceptable")


def test_a_foreign_host_is_a_problem(shop: Caller) -> None:
    answer = shop.get(PAYMENTS, Host="evil.example")
    assert is_problem(answer, 400, "malformed-request")
    assert "stored" not in answer.json()["detail"]


def test_a_broken_query_is_a_problem(shop: Caller) -> None:
    assert is_problem(shop.get(f"{PAYMENTS}?state=%zz"), 400, "malformed-request")


def test_an_error_of_ours_is_a_problem_that_says_what_it_means_for_the_money(shop: Caller) -> None:
    body = order(customer("100.00"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_payment RENAME COLUMN creditor_bic TO a_secret")
    answer = shop.order(body)
    assert is_problem(answer, 500, "internal-error")
    assert "same Idempotency-Key" in answer.json()["detail"]
    assert b"creditor_bic" not in answer.content
    assert set(rows().values()) == {0}


def test_a_database_that_does_not_answer_is_temporary(shop: Caller, database: Database) -> None:
    body = order(customer("100.00"))
    with psycopg.connect(database.url) as other, connection.cursor() as cursor:
        other.execute("LOCK TABLE sagas_idempotencykey")
        cursor.execute("SET lock_timeout = '50ms'")
        answer = shop.order(body)
    assert is_problem(answer, 503, "service-unavailable")
    assert answer["Retry-After"] == "1"
    assert set(rows().values()) == {0}
    assert shop.order(body).status_code == 202


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_every_type_of_problem_is_documented_at_its_address(code: str) -> None:
    page = client().get(f"/api/v1/problems/{code}").json()
    assert page["code"] == code
    assert page["title"]
    assert len(page["explanation"]) > 40


def test_an_unknown_type_of_problem_is_not_found() -> None:
    assert is_problem(client().get("/api/v1/problems/none"), 404, "not-found")
