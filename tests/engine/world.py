"""A small outside world for the engine's tests: a provider with a book of its own, and a table of ours."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from sagas import (
    Happened,
    InquirySchedule,
    LocalContext,
    NotFound,
    Payload,
    Refused,
    Rejected,
    RemoteCall,
    RetryPolicy,
    Saga,
    StillPending,
    local_step,
    remote_step,
    saga,
)

SOON = timedelta(milliseconds=1)
QUICKLY = RetryPolicy(first=SOON, cap=SOON, max_attempts=3)
ASK_QUICKLY = InquirySchedule(delays=(SOON,), max_inquiries=3)

Answer = Happened[str] | Refused | NotFound | StillPending


@dataclass
class Provider:
    """Honours idempotency keys: a repeated key has no second effect. `on_call` runs before the effect, `on_answer`
    after it: raising there is a failure before, or an answer lost."""

    effects: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    inquiries: int = 0
    refusal: Rejected | None = None
    on_call: Callable[[RemoteCall], None] = lambda call: None
    on_answer: Callable[[RemoteCall], None] = lambda call: None
    on_inquiry: Callable[[RemoteCall], Answer | None] = lambda call: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def apply(self, call: RemoteCall) -> str:
        with self._lock:
            self.requests[call.idempotency_key] += 1
        self.on_call(call)
        if self.refusal is not None:
            raise self.refusal
        with self._lock:
            self.effects[call.idempotency_key] = 1
        self.on_answer(call)
        return f"receipt {call.idempotency_key}"

    def ask(self, call: RemoteCall) -> Answer:
        with self._lock:
            self.inquiries += 1
        answer = self.on_inquiry(call)
        if answer is not None:
            return answer
        if call.idempotency_key in self.effects:
            return Happened(f"receipt {call.idempotency_key}")
        return NotFound()


provider = Provider()


def new_world() -> None:
    """Every test meets a provider with an empty book."""
    vars(provider).update(vars(Provider()))
    hooks.clear()


class Order(Payload):
    order_id: UUID


def new_order() -> Order:
    return Order(order_id=uuid4())


def create_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE scratch (key text PRIMARY KEY, note text, tx xid8 DEFAULT pg_current_xact_id())")


def write(key: str, note: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO scratch (key, note) VALUES (%s, %s)", [key, note])


def notes(order: Order) -> list[str]:
    """What the local steps of this order have committed, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT note FROM scratch WHERE note LIKE %s ORDER BY split_part(note, ' ', 3)::int",
            [f"%{order.order_id}%"],
        )
        return [row[0].split(" ")[0] for row in cursor.fetchall()]


_ticks = iter(range(10**9))


def note(step: LocalContext, word: str, order: Order) -> None:
    write(step.key, f"{word} {order.order_id} {next(_ticks)}")


hooks: dict[str, Callable[[LocalContext], Any]] = {}
"""What a test wants to happen inside a step, by the step's name."""


def hook(name: str, step: LocalContext) -> None:
    if name in hooks:
        hooks[name](step)


@local_step
def reserve(step: LocalContext, order: Order) -> str:
    note(step, "reserved", order)
    hook("reserve", step)
    return f"hold of {order.order_id}"


@local_step(retry=QUICKLY)
def release(step: LocalContext, order: Order, hold: str) -> None:
    hook("release", step)
    note(step, "released", order)


@local_step(retry=QUICKLY)
def post(step: LocalContext, order: Order, receipt: str) -> str:
    hook("post", step)
    note(step, "posted", order)
    return receipt


def say_unknown(step: LocalContext, order: Order) -> None:
    hook("say_unknown", step)


def ask(call: RemoteCall, order: Order) -> Answer:
    return provider.ask(call)


@remote_step(
    retry=QUICKLY,
    timeout=timedelta(seconds=5),
    inquiry=ask,
    inquiry_schedule=ASK_QUICKLY,
    key_valid_for=timedelta(days=1),
    on_unknown=say_unknown,
)
def send(call: RemoteCall, order: Order) -> str:
    return provider.apply(call)


@remote_step(retry=QUICKLY, inquiry=ask, inquiry_schedule=ASK_QUICKLY, key_valid_for=timedelta(days=1))
def book(call: RemoteCall, order: Order) -> str:
    return provider.apply(call)


def ask_unbooked(call: RemoteCall, order: Order, booking: str) -> Answer:
    return provider.ask(call)


@remote_step(retry=QUICKLY, inquiry=ask_unbooked, inquiry_schedule=ASK_QUICKLY, key_valid_for=timedelta(days=1))
def unbook(call: RemoteCall, order: Order, booking: str) -> str:
    return provider.apply(call)


@local_step
def turn_down(step: LocalContext, order: Order) -> None:
    hook("turn_down", step)
    note(step, "turned-down", order)


@saga("tests.pay", version=1, undo=turn_down)
def pay(s: Saga, order: Order) -> str:
    """Two local steps around a pivot."""
    s.run(reserve, order, undo=release)
    receipt = s.run(send, order, pivot=True)
    return s.run(post, order, receipt)


@saga("tests.trip", version=1, undo=turn_down)
def trip(s: Saga, order: Order) -> str:
    """Two things to undo, one of them outside, before the pivot."""
    s.run(reserve, order, undo=release)
    s.run(book, order, undo=unbook)
    return s.run(send, order, pivot=True)


@saga("tests.six_calls", version=1)
def six_calls(s: Saga, order: Order) -> int:
    """Six remote steps, as the benchmarks run."""
    return sum(len(s.run(book, order)) > 0 for _ in range(6))
