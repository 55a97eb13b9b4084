"""The web process as it is run everywhere, on a free port and the test's own database."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from config import processes

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running_web(log: Path) -> Iterator[str]:
    """Start gunicorn, wait until it is ready, give its address; afterwards end it with its workers."""
    with socket.socket() as probe:
        probe.bind((processes.HOST, 0))
        port = probe.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            processes.web(port=port), cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    url = f"http://{processes.HOST}:{port}"
    try:
        _wait_until_ready(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/readyz", timeout=10, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.05)
    raise AssertionError(f"the web process was not ready in time:\n{log.read_text()}")
