"""The broker as the project uses it: it may be down, hang or be garbled, and nobody waits for it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from celery.exceptions import TimeoutError as NoAnswer
from kombu.exceptions import OperationalError

from config.celery import App, app
from config.processes import worker as worker_command
from sagas import hints

ROOT = Path(__file__).resolve().parents[2]


def publisher(url: str) -> App:
    publisher = App("publisher", set_as_current=False)
    publisher.conf.update(broker_url=url, task_publish_retry=False)
    return publisher


@contextmanager
def worker(log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker as in production, on the broker and the database of this test."""
    command = worker_command(name="of-a-test")
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(text: str, *, log: Path) -> None:
    while text not in log.read_text():
        time.sleep(0.05)  # the timeout of the test is the limit


@pytest.mark.broker
def test_a_worker_takes_the_hints_of_a_publisher(tmp_path: Path) -> None:
    with worker(tmp_path / "log"):
        wait_for("ready.", log=tmp_path / "log")
        hints.publish("default")
        wait_for("Task sagas.drain", log=tmp_path / "log")


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_publishing_gives_up_at_once_when_the_broker_is_down(scheme: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but nobody listens
        began = time.monotonic()
        with pytest.raises(OperationalError):
            publisher(f"{scheme}://127.0.0.1:{unused.getsockname()[1]}").send_task("hint")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_publishing_gives_up_soon_when_the_broker_hangs(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises((OperationalError, NoAnswer)):
            publisher(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}").send_task("hint")
    assert time.monotonic() - began < 3


def test_messages_carry_json_only_and_queues_of_rabbitmq_are_quorum_queues() -> None:
    assert app.conf.accept_content == ["json"]
    from config.broker import celery_settings

    assert celery_settings(url="amqp://there", folder=Path())["task_default_queue_type"] == "quorum"
