"""What the demo starts ends with it, and what ends by itself is noticed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from config.demo.errors import ChildEnded
from config.demo.interrupts import SIGNALS, Interrupted, Interrupts
from config.demo.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
READY = ["/bin/sh", "-c", "echo ready; exec sleep 60"]
#: Ignores TERM, and has started another program.
DEAF_CODE = f"""
import signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(subprocess.Popen({SLEEP!r}).pid, flush=True)
time.sleep(60)
"""
DEAF = [sys.executable, "-c", DEAF_CODE]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(logs=tmp_path, environment={"GREETING": "good morning"})
    yield supervisor
    supervisor.stop(grace_seconds=0)


@contextmanager
def restored_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(pid: int, *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while lives(pid):
        assert time.monotonic() < deadline, f"process {pid} lives on"
        time.sleep(0.02)


def first_line(log: Path) -> str:
    deadline = time.monotonic() + 10
    while "\n" not in (written := log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return written.splitlines()[0]


def test_a_child_leads_a_session_of_its_own_and_writes_to_its_log(supervisor: Supervisor) -> None:
    child = supervisor.start("greeter", ["/bin/sh", "-c", "echo $GREETING; exec sleep 60"])
    assert first_line(child.log) == "good morning"
    assert os.getsid(child.pid) == child.pid


def test_a_child_that_ends_by_itself_is_reported_with_the_end_of_its_log(supervisor: Supervisor) -> None:
    child = supervisor.start("web", ["/bin/sh", "-c", "echo no such table; exit 3"])
    child.process.wait(timeout=10)
    with pytest.raises(ChildEnded, match=r"web ended by itself: exit status 3[\s\S]*no such table"):
        supervisor.check()


def test_a_child_that_was_killed_on_purpose_is_missed_by_nobody(supervisor: Supervisor) -> None:
    child = supervisor.start("worker", DEAF)
    grandchild = int(first_line(child.log))
    supervisor.kill(child)
    assert not lives(child.pid)
    wait_until_gone(grandchild)
    supervisor.check()


def test_a_child_that_does_not_listen_is_killed_with_all_that_it_started(supervisor: Supervisor) -> None:
    child = supervisor.start("deaf", DEAF)
    grandchild = int(first_line(child.log))
    supervisor.stop(grace_seconds=0.2)
    assert child.process.returncode == -signal.SIGKILL
    wait_until_gone(grandchild)


def test_what_uses_the_others_ends_while_they_still_run(supervisor: Supervisor) -> None:
    rail = supervisor.start("rail", READY)
    first_line(rail.log)
    # On TERM it takes a moment, and then says how the rail is.
    farewell = f"trap 'sleep 0.3; kill -0 {rail.pid} && echo the rail lives; exit' TERM"
    worker = supervisor.start(
        "worker", ["/bin/sh", "-c", f"{farewell}; echo ready; while :; do sleep 0.05; done"], ends_first=True
    )
    first_line(worker.log)
    supervisor.stop(grace_seconds=5)
    assert worker.has_written("the rail lives")
    assert not lives(rail.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from config.demo.supervisor import Supervisor; "
        f"child = Supervisor(logs=Path({str(tmp_path)!r}), environment={{}}).start('child', {READY!r}); "
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert first_line(tmp_path / "child.log") == "ready"
        parent.kill()
    wait_until_gone(child)


def test_a_signal_waits_until_the_child_is_known() -> None:
    interrupts = Interrupts()
    reached = []
    with restored_signals(), pytest.raises(Interrupted, match="SIGTERM"), interrupts.listening():
        with interrupts.deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("the end of the block")
        reached.append("what comes after it")
    assert reached == ["the end of the block"]


def test_a_second_signal_does_not_disturb_the_cleaning_up() -> None:
    with restored_signals(), pytest.raises(Interrupted, match="SIGINT"), Interrupts().listening():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_whose_exception_was_lost_is_seen_at_the_next_look(tmp_path: Path) -> None:
    interrupts = Interrupts()
    supervisor = Supervisor(logs=tmp_path, environment={}, interrupts=interrupts)
    with restored_signals(), interrupts.listening():
        with contextlib.suppress(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted, match="SIGTERM"):
            supervisor.check()


def test_what_a_child_has_said_is_found_however_much_it_says_afterwards(supervisor: Supervisor) -> None:
    talk = "print('I am ready.'); [print('and another thing') for _ in range(1000)]; import time; time.sleep(60)"
    child = supervisor.start("talker", [sys.executable, "-u", "-c", talk])
    deadline = time.monotonic() + 20
    while child.log.read_text().count("another thing") < 1000:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert child.has_written(" ready.")
    assert " ready." not in child.log_tail()
