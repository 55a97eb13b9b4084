"""Hints may be lost, late or doubled; a drain gives way, and none of it leaves a saga lying."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from sagas import RemoteCall, Retryable, hints, operating, tasks
from sagas.models import SagaStatus
from sagas.runner import Runner
from tests.engine import world
from tests.engine.conftest import sql, types

Begin = Callable[..., tuple[UUID, world.Order]]
Finish = Callable[..., SagaStatus]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queues that were hinted at."""
    queues: list[str] = []
    monkeypatch.setattr("sagas.hints.publish", queues.append)
    return queues


def test_r22_a_saga_started_while_the_flag_is_lowered_is_run_by_the_same_drain(
    begin: Begin, engine: Runner, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag is still up when it starts, so no hint is sent for it: the drain has to look once more."""
    lower = hints.lower
    late: list[UUID] = []

    def start_then_lower(queue: str) -> None:
        if not late:
            late.append(begin()[0])
        lower(queue)

    monkeypatch.setattr(hints, "lower", start_then_lower)
    begin()
    engine.drain("default")
    assert engine.wait_until_idle(seconds=30)
    assert sent == ["default"]
    assert SagaStatus.objects.get(saga_id=late[0]).status == "completed"


def test_r22_a_hint_that_was_lost_is_sent_again_a_second_later(begin: Begin, sent: list[str]) -> None:
    begin()
    sql("UPDATE sagas_queue SET hinted_at = hinted_at - interval '1.1 s'")
    begin()
    assert sent == ["default"] * 2


def test_r22_a_drain_that_ran_out_of_time_says_that_there_may_be_more(begin: Begin, engine: Runner) -> None:
    saga_id, _ = begin()
    assert engine.drain("default", seconds=0)
    assert types(saga_id) == ["saga.started"]
    assert not engine.drain("default")


def test_r22_the_task_asks_for_another_hint_only_when_there_may_be_more(
    begin: Begin, engine: Runner, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin()
    sent.clear()
    tasks.drain("default")
    assert engine.wait_until_idle(seconds=30)
    assert sent == []
    monkeypatch.setattr(engine, "drain", partial(engine.drain, seconds=0))
    tasks.drain("default")
    assert sent == ["default"]
    engine.stopping.set()
    tasks.drain("default")
    assert sent == ["default"]


def test_r22_a_hint_goes_to_the_brokers_queue_of_its_sagas(monkeypatch: pytest.MonkeyPatch, begin: Begin) -> None:
    messages: list[Any] = []
    monkeypatch.setattr(tasks.drain, "apply_async", lambda **message: messages.append(message))
    begin()
    assert messages == [{"args": ("default",), "queue": "recourse.default"}]


def test_r29_a_message_hints_at_the_queue_of_its_saga(begin: Begin, finish: Finish, sent: list[str]) -> None:
    def unreachable(call: RemoteCall) -> None:
        raise Retryable("no connection")

    world.provider.on_call = unreachable
    saga_id, _ = begin()
    assert finish(saga_id).status == "parked"
    sent.clear()
    operating.resume(saga_id, sender="tests", reason="the provider is back")
    assert sent == ["default"]
