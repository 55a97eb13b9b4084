"""Where stopping, forking or a broken undo threw something away."""

import os
import threading
import time
from typing import Any
from uuid import UUID

from sagas import (
    LocalContext,
    Rejected,
    RemoteCall,
    Saga,
    local_step,
    saga,
)
from sagas.runner import Runner
from sagas.threads import Threads
from tests.engine import world
from tests.engine.conftest import types
from tests.engine.hostile import Begin, Finish, locked

# --- stopping, forking ---


def test_threads_stop_within_the_time_they_were_given() -> None:
    threads = Threads(6, name="test")
    let_go = threading.Event()
    for _ in range(6):
        threads.submit(let_go.wait)
    began = time.monotonic()
    threads.stop(seconds=0.3)
    took = time.monotonic() - began
    let_go.set()
    assert took < 0.9


def test_a_runner_stops_while_the_database_does_not_answer(begin: Begin, engine: Runner) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold(saga_id: UUID) -> None:
        with locked(saga_id):
            held.set()
            let_go.wait(8)

    def on_call(call: RemoteCall) -> None:
        threading.Thread(target=hold, args=(call.saga_id,)).start()
        held.wait(5)

    world.provider.on_call = on_call
    begin("tests.unkeyed")
    engine.drain("default", seconds=0.1)
    assert held.wait(5)
    time.sleep(0.2)
    began = time.monotonic()
    engine.stop(seconds=0.5)
    took = time.monotonic() - began
    let_go.set()
    assert took < 4


def test_a_forked_child_has_a_runner_of_its_own(engine: Runner) -> None:
    from sagas.runner import runner

    assert runner() is engine
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"the parent's" if runner() is engine else b"its own")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 20) == b"its own"


# --- a refusal is thrown away ---


@local_step
def undo_by_number(step: LocalContext, order: world.Order, hold: int) -> None:
    raise AssertionError("it cannot be called")


@saga("tests.unfit_undo", version=1, undo=world.turn_down)
def unfit_undo(s: Saga, order: world.Order) -> str:
    undo: Any = undo_by_number  # takes a number, will be given text
    s.run(world.reserve, order, undo=undo)
    return s.run(world.send, order, pivot=True)


def test_a_refusal_is_recorded_even_if_undoing_cannot_begin(begin: Begin, finish: Finish) -> None:
    world.provider.refusal = Rejected("AC04")
    saga_id, _ = begin("tests.unfit_undo")
    status = finish(saga_id)
    assert status.status == "parked"
    assert "undoing could not go on" in status.reason
    assert world.provider.requests.total() == 1
    assert "call.rejected send" in types(saga_id)


@saga("tests.misfit_undo", version=1)
def misfit_undo(s: Saga, order: world.Order) -> str:
    undo: Any = world.turn_down  # takes the order, would be given the hold too
    hold: str = s.run(world.reserve, order, undo=undo)
    return hold


def test_an_undo_that_does_not_fit_its_step_is_refused_before_the_step_runs(begin: Begin, finish: Finish) -> None:
    saga_id, order = begin("tests.misfit_undo")
    assert finish(saga_id).status == "parked"
    assert world.notes(order) == []
