"""One more payment, through the front door: the API, as a program of a customer would order it."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from config.demo.errors import DemoFailed
from config.demo.logins import SCOPES, Logins
from config.demo.programs import PATIENCE_SECONDS, Programs
from payments.pain001.sample_names import creditors
from payments.services.seed import DEMO_ACCOUNTS


@dataclass(frozen=True, kw_only=True)
class ApiPayment:
    """What became of it, and how long after the request."""

    accepted_status: int
    state: str
    seconds: float


def order(*, end_to_end_id: str) -> dict[str, Any]:
    """The body of a request that the bank accepts."""
    creditor = creditors()[0]
    return {
        "debtor_iban": DEMO_ACCOUNTS[0].iban,
        "creditor_iban": creditor.iban,
        "creditor_name": "Voorbeeld B.V.",
        "amount": {"amount": "12.34", "currency": "EUR"},
        "end_to_end_id": end_to_end_id,
    }


def pay(programs: Programs, logins: Logins) -> ApiPayment:
    """Get a token, order a payment, ask until it has settled or was rejected."""
    number = uuid.uuid4().hex[:12]
    with httpx.Client(base_url=programs.web_url, timeout=30, trust_env=False) as http:
        began = time.monotonic()
        token = _expect(
            200,
            http.post(
                "/oauth/token/",
                data={"grant_type": "client_credentials", "scope": " ".join(SCOPES)},
                auth=(logins.client_id, logins.client_secret),
            ),
        ).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        accepted = _expect(
            202,
            http.post(
                "/api/v1/payments",
                json=order(end_to_end_id=f"DEMO-{number}"),
                headers={"Idempotency-Key": f"demo-{number}"},
            ),
        )
        while True:
            state = _expect(200, http.get(accepted.headers["Location"])).json()["state"]
            seconds = time.monotonic() - began
            if state in ("settled", "rejected") or seconds > PATIENCE_SECONDS:
                return ApiPayment(accepted_status=accepted.status_code, state=state, seconds=seconds)
            programs.supervisor.check()
            time.sleep(0.05)


def _expect(status: int, response: httpx.Response) -> httpx.Response:
    if response.status_code != status:
        raise DemoFailed(
            f"{response.request.method} {response.request.url} answered {response.status_code} instead of {status}: "
            f"{response.text[:500]}"
        )
    return response
