"""Bears worker processes quickly: one process that has everything imported and forks a real Celery worker on demand.

A worker that is started from nothing needs seconds to import Django and Celery; the test that kills one at every
boundary needs a hundred of them. Run as a program it reads one JSON line per child from standard input and writes one
line when a child is born and one when it has ended.
"""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """The parent's side: `bear` starts a child, `ended` waits for its end."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env={**os.environ, **environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    def bear(self, work: str, *, failpoints: str = "", **arguments: str) -> int:
        """Start a child that does `work` (`worker` or `accept`); its pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"work": work, "failpoints": failpoints, **arguments}) + "\n")
        return int(self._line()["born"])

    def ended(self) -> int:
        """Wait for the end of the child; its exit code, negative for the signal that killed it."""
        return int(self._line()["ended"])

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the nursery has ended"
        said: dict[str, Any] = json.loads(line)
        return said


def main() -> None:
    import django

    django.setup()
    import celery.apps.worker
    import celery.concurrency.thread  # noqa: F401 - so that no child has to import it

    import sagas.runner  # noqa: F401 - likewise

    while True:
        readable, _, _ = select.select([sys.stdin], [], [], 0.01)
        if readable:
            line = sys.stdin.readline()
            if not line:
                return
            _bear(json.loads(line))
        _reap()


def _bear(order: dict[str, str]) -> None:
    pid = os.fork()
    if pid:
        _say(born=pid)
        return
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from sagas import failpoints

    failpoints._setting = order["failpoints"]
    if order["work"] == "worker":
        _work()
    else:
        _accept(order)
    os._exit(0)


def _work() -> None:
    from config.celery import app

    worker: Any = app.Worker(pool="threads", concurrency=2, hostname=f"victim{os.getpid()}@test", loglevel="WARNING")
    worker.start()


def _accept(order: dict[str, str]) -> None:
    from tests.chaos.payments import accept

    accept(cents=order["cents"], key=order["key"])


def _reap() -> None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return
    if pid:
        _say(ended=os.waitstatus_to_exitcode(status))


def _say(**said: int) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
