"""The demo as a real process on free ports, with a data directory of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Demo:
    """A running `manage.py demo`."""

    process: subprocess.Popen[str]
    data_dir: Path

    def read_until(self, text: str) -> str:
        """What it prints, up to the line that has the text in it."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError(f"ended without printing {text!r}:\n{''.join(lines)}")

    def rest(self, *, timeout: float) -> str:
        """What it prints until it ends."""
        output, _ = self.process.communicate(timeout=timeout)
        return output

    def programs(self) -> list[psutil.Process]:
        """All processes that live and were told of this data directory, the demo itself left out.

        The embedded server is told of nothing; see `wait_until_nothing_is_left`.
        """
        return [found for found in psutil.process_iter() if found.pid != self.process.pid and self._is_ours(found)]

    def wait_until_nothing_is_left(self, *, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while left := self._left():
            assert time.monotonic() < deadline, f"after {seconds} s there are still {left}"
            time.sleep(0.1)

    def _left(self) -> list[str]:
        left = [_command_of(found) for found in self.programs()]
        postmaster = EmbeddedServer(self.data_dir).postmaster_pid()
        return [*left, f"postmaster {postmaster}"] if postmaster else left

    def _is_ours(self, found: psutil.Process) -> bool:
        try:
            lives = bool(found.status() != psutil.STATUS_ZOMBIE)
            return lives and bool(found.environ().get("RECOURSE_DATA_DIR") == str(self.data_dir))
        except psutil.Error:
            return False


def start_demo(data_dir: Path, *options: str, environment: Mapping[str, str] | None = None) -> Demo:
    """Start the demo on free ports; what it writes to either stream is read from one."""
    web, simulators = free_ports(2)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(web), "--simulators-port", str(simulators), *options],
        cwd=ROOT,
        env={**os.environ, "RECOURSE_DATA_DIR": str(data_dir), "CELERY_BROKER_URL": "", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Demo(process=process, data_dir=data_dir)


@contextmanager
def running_demo(data_dir: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Demo]:
    """Start the demo; afterwards nothing of it is left, whatever came of the test."""
    demo = start_demo(data_dir, *options, environment=environment)
    try:
        yield demo
    finally:
        demo.process.kill()
        for left in demo.programs():
            left.kill()
        demo.process.wait()
        if demo.process.stdout is not None:
            demo.process.stdout.close()
        EmbeddedServer(data_dir).destroy()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on; all different, because all are held while the next is asked for."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _command_of(found: psutil.Process) -> str:
    try:
        return " ".join(found.cmdline())
    except psutil.Error:  # it has ended since it was found
        return f"process {found.pid}, which has just ended"
