"""R1: two hundred programs that send one order at the same moment get one payment, and every one of them gets it."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from django.conf import LazySettings

from payments.models import Hold, Payment, PaymentState
from payments.services.seed import DEMO_ACCOUNTS, seed_demo_bank
from sagas.models import IdempotencyKey, Saga
from sagas.proof import broken_chains
from sagas.runner import Runner
from tests.api.caller import PAYMENTS, order
from tests.api.web_process import ROOT, running_web
from tests.integration.simulator_process import running_simulators

AT_ONCE = 200


def _channel() -> dict[str, str]:
    """Registered as an operator would, by the command."""
    command = ["manage.py", "create_channel", "shop", "--scope", "payments:write", "--show-json"]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True)
    credentials: dict[str, str] = json.loads(done.stdout)
    return credentials


def _token(url: str) -> str:
    channel = _channel()
    answer = httpx.post(
        f"{url}/oauth/token/",
        data={"grant_type": "client_credentials", "scope": "payments:write"},
        auth=(channel["client_id"], channel["client_secret"]),
        timeout=30,
        trust_env=False,
    )
    return str(answer.raise_for_status().json()["access_token"])


async def _post_all(url: str, token: str, body: dict[str, Any]) -> list[httpx.Response]:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": '"one-order"'}
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=90, limits=limits, trust_env=False) as http:
        return await asyncio.gather(*(http.post(PAYMENTS, json=body) for _ in range(AT_ONCE)))


def test_r01_two_hundred_orders_at_once_with_one_key_are_one_payment(tmp_path: Path, settings: LazySettings) -> None:
    seed_demo_bank()
    body = order(DEMO_ACCOUNTS[0].iban)
    with running_web(tmp_path / "web.log") as url:
        token = _token(url)
        answers = asyncio.run(_post_all(url, token, body))
        other = httpx.post(
            f"{url}{PAYMENTS}",
            json=body | {"end_to_end_id": "INV-2"},
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": '"one-order"'},
            trust_env=False,
        )
    assert {answer.status_code for answer in answers} == {202}, (tmp_path / "web.log").read_text()
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert other.status_code == 422
    assert Saga.objects.count() == Payment.objects.count() == IdempotencyKey.objects.count() == 1
    with running_simulators(tmp_path / "book") as rail:
        settings.INSTANT_RAIL_URL = rail.url
        _run_everything()
        payment = Payment.objects.get()
        assert str(payment.pk) == answers[0].json()["id"]
        assert payment.state == PaymentState.SETTLED
        assert Hold.objects.count() == 1
        assert [each["effects"] for each in rail.book()["keys"].values()] == [1]
    assert broken_chains() == []


def _run_everything() -> None:
    runner = Runner()
    try:
        runner.drain("default")
        assert runner.wait_until_idle(seconds=60)
    finally:
        runner.stop(seconds=10)
