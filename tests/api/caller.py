"""A channel that calls the API, as its program would: with a token of its own, over Django's whole request path."""

import json
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.test import Client

from config.channels import Credentials, create_channel
from payments.models import Account, Hold, Payment
from sagas.models import Correlation, IdempotencyKey, LedgerEntry, Saga
from tests.integration.bank import customer

ALL_SCOPES = ("payments:write", "payments:read", "sagas:read")
PAYMENTS = "/api/v1/payments"


def order(debtor: Account | str, **changes: Any) -> dict[str, Any]:
    """The body of a good order; `amount=None` leaves a field out."""
    body: dict[str, Any] = {
        "debtor_iban": debtor if isinstance(debtor, str) else debtor.iban,
        "creditor_iban": "DE89370400440532013000",
        "creditor_name": "Ben Bakker",
        "amount": {"amount": "12.34", "currency": "EUR"},
        "end_to_end_id": "INV-1",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


@cache
def client() -> Client:
    """A client of Django's whole request path. One for all, for loading the middleware takes longer than a test."""
    return Client(raise_request_exception=False)


def basic(channel: Credentials) -> str:
    """The client's credentials as RFC 6749 wants them."""
    return "Basic " + b64encode(f"{channel.client_id}:{channel.client_secret}".encode()).decode()


def ask_for_token(channel: Credentials, scope: str = " ".join(ALL_SCOPES)) -> Any:
    return client().post(
        "/oauth/token/",
        {"grant_type": "client_credentials", "scope": scope},
        headers={"Authorization": basic(channel)},
    )


@dataclass
class Caller:
    """A channel with a token."""

    client_id: str
    token: str

    @classmethod
    def new(cls, *scopes: str, name: str = "shop") -> "Caller":
        scopes = scopes or ALL_SCOPES
        channel = create_channel(name=name, scopes=scopes)
        token = ask_for_token(channel, " ".join(scopes)).json()["access_token"]
        return cls(client_id=channel.client_id, token=token)

    def get(self, path: str, **headers: str) -> Any:
        return client().get(path, headers=self._headers(headers))

    def post(self, path: str, body: bytes | dict[str, Any], **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        kind = headers.pop("Content-Type")
        return client().post(path, raw, content_type=kind, headers=self._headers(headers))

    def order(self, body: bytes | dict[str, Any] | None = None, *, key: str = '"k-1"') -> Any:
        """Orders a payment, by default a good one of a customer with enough money."""
        return self.post(PAYMENTS, order(customer("100.00")) if body is None else body, Idempotency_Key=key)

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}


def rows() -> dict[str, int]:
    """How many rows there are of everything that an order could store."""
    return {model.__name__: model._default_manager.count() for model in _STORED}


_STORED = (Payment, Hold, Saga, LedgerEntry, IdempotencyKey, Correlation)


def is_problem(response: Any, status: int, code: str) -> bool:
    """Whether the response is a whole problem of this type; asserts what must hold for every one."""
    assert response["Content-Type"] == "application/problem+json", (response.status_code, response.content)
    body = response.json()
    assert list(body)[:5] == ["type", "title", "status", "detail", "instance"]
    assert body["status"] == response.status_code
    return (response.status_code, body["type"]) == (status, f"/api/v1/problems/{code}")
