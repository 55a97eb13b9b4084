"""The OpenAPI document is valid and says what the API does."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tests.api.caller import client


@pytest.fixture
def document(database: object) -> Any:
    answer = client().get("/api/v1/schema")
    assert answer.status_code == 200
    return answer.json()


def test_the_document_is_valid_openapi_without_warnings() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_the_document_is_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/api/v1/payments",
        "/api/v1/payments/{payment_id}",
        "/api/v1/sagas/{saga_id}",
        "/api/v1/sagas/{saga_id}/entries",
        "/api/v1/problems/{code}",
    }


def test_an_order_needs_an_idempotency_key_and_the_write_scope(document: Any) -> None:
    operation = document["paths"]["/api/v1/payments"]["post"]
    key = next(each for each in operation["parameters"] if each["name"] == "Idempotency-Key")
    assert (key["in"], key["required"]) == ("header", True)
    assert operation["security"] == [{"oauth2": ["payments:write"]}]
    assert set(operation["responses"]["202"]["headers"]) == {"Location", "Retry-After", "Idempotent-Replayed"}
    assert set(operation["responses"]) >= {"202", "400", "401", "403", "413", "415", "422", "500"}


def test_every_operation_lists_its_problems(document: Any) -> None:
    operations = [each for path in document["paths"].values() for each in path.values()]
    for operation in operations:
        problems = {code: answer for code, answer in operation["responses"].items() if code >= "400"}
        assert {"400", "500"} <= set(problems), operation["operationId"]
        for answer in problems.values():
            assert list(answer["content"]) == ["application/problem+json"]


def test_every_operation_but_the_documentation_needs_a_token(document: Any) -> None:
    open_paths = {path for path, methods in document["paths"].items() if not methods.get("get", {}).get("security")}
    assert open_paths == {"/api/v1/problems/{code}"}
