"""Processes that use an embedded server, for the tests of `config/embedded`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Uses the server until its input ends; says the postmaster's process id once it does.
USER = """
import sys
from pathlib import Path
from config.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False)
server.ensure_running()
print(server.postmaster_pid(), flush=True)
sys.stdin.read()
"""


def run_program(program: str, *arguments: object, env: dict[str, str] | None = None) -> str:
    """Runs a Python program that can import ours, and returns what it prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


@contextmanager
def user_of(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the server of a data directory; it leaves when its input is closed."""
    command = [sys.executable, "-c", USER, str(data_dir)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def postmaster_of(user: "subprocess.Popen[str]") -> int:
    """The server that a user found or started, once it runs."""
    assert user.stdout is not None
    return int(user.stdout.readline())


def leave(user: "subprocess.Popen[str]") -> None:
    """Lets a user end by itself, and waits for that."""
    assert user.stdin is not None
    user.stdin.close()
    assert user.wait(timeout=30) == 0
