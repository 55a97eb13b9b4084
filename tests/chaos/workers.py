"""Real Celery workers, started as the demo and the containers start them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config import processes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


class Worker:
    """A worker process in a group of its own."""

    def __init__(self, name: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            processes.worker(name=name),
            cwd=ROOT,
            env={**os.environ, **environment},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def actor_suffix(self) -> str:
        """How its ledger entries end in `actor`."""
        return f":{self.process.pid}"

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def worker(name: str, **environment: str) -> Iterator[Worker]:
    """A worker for the length of the block."""
    started = Worker(name, **environment)
    try:
        yield started
    finally:
        started.kill()


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look again and again until it holds; fail with what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)
