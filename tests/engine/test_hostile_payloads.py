"""Where a payload came back otherwise, or a guard looked away."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from sagas import (
    LocalContext,
    Payload,
    PayloadRefused,
    RemoteCall,
    Saga,
    local_step,
    remote_step,
    saga,
    start,
)
from sagas.rehearsal import rehearse
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import elsewhere
from tests.engine.hostile import Begin, Finish

# --- payloads ---


class OrderWithFee(world.Order):
    fee: int


class ByCard(Payload):
    number: int


class ByAccount(Payload):
    number: int


@saga("tests.takes_order", version=1)
def takes_order(s: Saga, order: world.Order) -> None: ...


@saga("tests.takes_either", version=1)
def takes_either(s: Saga, means: ByCard | ByAccount) -> None: ...


@pytest.mark.parametrize(
    ("definition", "payload"),
    [("tests.takes_order", OrderWithFee(order_id=uuid4(), fee=5)), ("tests.takes_either", ByAccount(number=5))],
)
def test_r11_an_input_that_would_come_back_otherwise_is_refused(definition: str, payload: Payload) -> None:
    with pytest.raises(PayloadRefused):
        start(definition, payload, channel="tests", idempotency_key="1")


@local_step
def add_fee(step: LocalContext, order: world.Order, amounts: list[int]) -> int:
    amounts.append(1)
    return sum(amounts)


@local_step
def total(step: LocalContext, order: world.Order, amounts: list[int]) -> int:
    return sum(amounts)


@saga("tests.mutates", version=1)
def mutates(s: Saga, order: world.Order) -> int:
    amounts = [100]
    s.run(add_fee, order, amounts)
    s.run(total, order, amounts)
    s.run(world.send, order)
    return sum(amounts)


def test_r11_what_a_step_does_to_its_arguments_does_not_reach_saga_code(begin: Begin, finish: Finish) -> None:
    def lost(call: RemoteCall) -> None:
        raise ConnectionResetError

    world.provider.on_answer = lost
    saga_id, _ = begin("tests.mutates")
    assert finish(saga_id).status == "completed"


# --- guards ---


def test_r28_a_local_step_cannot_use_a_connection_that_is_kept_alive(begin: Begin, finish: Finish) -> None:
    import http.server

    import httpx

    from sagas.exchange import Exchange

    reached: list[str] = []

    class Provider(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            reached.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
            exchange = Exchange(client=client, provider="the provider")
            exchange.send(method="POST", path="/warm", timeout=timedelta(seconds=2))
            world.hooks["reserve"] = lambda step: exchange.send(
                method="POST", path="/from-a-local-step", timeout=timedelta(seconds=2)
            )
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(world.reserve, "retry", world.QUICKLY)
                saga_id, _ = begin()
                assert finish(saga_id).status == "parked"
    finally:
        server.shutdown()
        server.server_close()
    assert reached == ["/warm"]


@remote_step(
    retry=world.QUICKLY, inquiry=world.ask, inquiry_schedule=world.ASK_QUICKLY, key_valid_for=timedelta(days=1)
)
def send_and_write(call: RemoteCall, order: world.Order) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH w AS (INSERT INTO scratch (key, note) VALUES (%s, %s) RETURNING 1) SELECT * FROM w",
            [str(uuid4()), f"sneaked {order.order_id} 1"],
        )
    return world.provider.apply(call)


@saga("tests.sneaks", version=1)
def sneaks(s: Saga, order: world.Order) -> str:
    return s.run(send_and_write, order)


def test_a_remote_step_cannot_write_behind_a_with(begin: Begin, finish: Finish) -> None:
    saga_id, order = begin("tests.sneaks")
    finish(saga_id)
    assert world.notes(order) == []


def test_r12_a_rehearsal_asks_no_provider(begin: Begin, engine: Runner) -> None:
    def lose_lease(call: RemoteCall) -> None:
        elsewhere("UPDATE sagas_saga SET lease_token = NULL, lease_expires_at = NULL, wake_at = now() + interval '1 h'")

    world.provider.on_answer = lose_lease
    saga_id, _ = begin()
    engine.drain("default")
    engine.wait_until_idle(seconds=10)
    rehearse(saga_id, runtime=engine._runtime)
    assert world.provider.inquiries == 0
