"""What the tests of hostile situations share."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg

from sagas import RemoteCall, Saga, remote_step, saga
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.engine import world

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]

#: What has changed outside between two activations: the time of day, a deployment.
changed = threading.Event()


def run_for(engine: Runner, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        engine.drain("default", seconds=1)
        engine.wait_until_idle(seconds=10)


@contextmanager
def locked(saga_id: UUID) -> Iterator[None]:
    """A sender whose transaction stays open."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("UPDATE sagas_saga SET inbox_seq = inbox_seq WHERE id = %s", [saga_id])
        yield


@remote_step(retry=world.QUICKLY, inquiry_schedule=world.ASK_QUICKLY)
def send_unkeyed(call: RemoteCall, order: world.Order) -> str:
    return world.provider.apply(call)


@saga("tests.unkeyed", version=1)
def unkeyed(s: Saga, order: world.Order) -> str:
    return s.run(send_unkeyed, order)
