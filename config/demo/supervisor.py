"""Starts the demo's programs, notices when one ends by itself, and ends them all: nothing outlives the demo.

Each child leads a session of its own, so Ctrl-C in the terminal reaches the demo alone, and its whole group can be
killed. A child whose parent is killed gets TERM from the kernel (Linux), see `launcher.py`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.demo import launcher
from config.demo.errors import ChildEnded
from config.demo.interrupts import Interrupts
from config.env import ROOT

#: How long a child may take to end by itself. What is killed after it loses nothing: that is what the ledger is for.
GRACE_SECONDS = 3.0
LOG_LINES = 15


@dataclass(frozen=True, eq=False)
class Child:
    """A program that was started, leader of its process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ends_first: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    def has_written(self, words: str) -> bool:
        """Whether its log has these words anywhere: much may have been written since."""
        return words in self.log.read_text(encoding="utf-8", errors="replace")

    def log_tail(self, *, lines: int = LOG_LINES) -> str:
        """The last lines of what it wrote, indented."""
        written = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in written[-lines:]) or "    (nothing)"


class Supervisor:
    """The children, in the order in which they were started. For the main thread: the kernel watches the thread that
    started a child."""

    def __init__(self, *, logs: Path, environment: Mapping[str, str], interrupts: Interrupts | None = None) -> None:
        self._logs = logs
        self._environment = {**os.environ, **environment}
        self._interrupts = interrupts or Interrupts()
        self._children: list[Child] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, command: Sequence[str], *, ends_first: bool = False) -> Child:
        """Start a program in the background; what it writes goes to `<logs>/<name>.log`, anew.

        `ends_first`: it uses the others, so `stop()` ends it while they still run.
        """
        log = self._logs / f"{name.replace(' ', '-')}.log"
        # A signal between the fork and the list would leave a child that nobody knows.
        with self._interrupts.deferred(), log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), *command],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            child = Child(name=name, process=process, log=log, ends_first=ends_first)
            self._children.append(child)
        return child

    def check(self) -> None:
        """Raises `ChildEnded` with the end of its log if a child has ended by itself; `Interrupted` if we shall end."""
        self._interrupts.check()
        for child in self._children:
            status = child.process.poll()
            if status is not None:
                raise ChildEnded(name=child.name, how=_how(status), log=str(child.log), log_tail=child.log_tail())

    def kill(self, child: Child) -> None:
        """SIGKILL its whole process group. On return it is dead, reaped, and no child of ours any more."""
        _signal_group(child, signal.SIGKILL)
        child.process.wait()
        self._children.remove(child)

    def stop(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        """End all children, those that end first before the others are told: a worker must not take a rail that we
        have ended ourselves for one that fails its payments."""
        _end([child for child in self._children if child.ends_first], grace_seconds=grace_seconds)
        _end([child for child in self._children if not child.ends_first], grace_seconds=grace_seconds)
        self._children.clear()


def _end(children: Sequence[Child], *, grace_seconds: float) -> None:
    """TERM to each leader, KILL to the groups of those that are left after the grace time, which they share."""
    for child in children:
        # To the leader only: it ends its own children in order; all told at once have been seen to hang.
        child.process.terminate()
    deadline = time.monotonic() + grace_seconds
    for child in children:
        try:
            child.process.wait(timeout=max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            continue
    for child in children:
        _signal_group(child, signal.SIGKILL)  # also where the leader is gone and has left somebody behind
        child.process.wait()


def _signal_group(child: Child, number: signal.Signals) -> None:
    # The group's number is the leader's pid, which nobody else can get while a member of the group lives.
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
