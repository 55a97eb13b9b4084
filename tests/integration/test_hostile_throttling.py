"""A rail that asks for a pause must not get all attempts of a payment within a moment."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.test import override_settings

from payments.models import Hold
from payments.services.seed import seed_demo_bank
from sagas.models import SagaStatus, Status
from sagas.runner import Runner
from tests.integration.console import ordered


@contextmanager
def _throttling_rail(retry_after: str) -> Iterator[tuple[str, list[float]]]:
    asked: list[float] = []

    class Throttling(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(time.monotonic())
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(429)
            self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Throttling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("retry_after", ["0"])
def test_a_payment_is_not_parked_with_the_customers_money_within_seconds(retry_after: str) -> None:
    seed_demo_bank()
    payment = ordered()
    runner = Runner()
    with _throttling_rail(retry_after) as (url, asked), override_settings(INSTANT_RAIL_URL=url):
        until = time.monotonic() + 4
        try:
            while time.monotonic() < until:
                runner.drain("default")
                assert runner.wait_until_idle(seconds=30)
                time.sleep(0.05)
        finally:
            runner.stop(seconds=10)
    status = SagaStatus.objects.get(saga_id=payment.saga_id)
    assert Hold.objects.filter(saga_id=payment.saga_id, resolution=None).exists()
    assert (status.status, len(asked) <= 4) == (Status.RUNNING, True), (status.status, len(asked), status.reason)
