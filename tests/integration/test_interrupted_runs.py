"""A run of the tests leaves nothing behind, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).resolve().parents[2]

TESTS = """
import time
from pathlib import Path

def test_that_takes_for_ever(database):
    Path(__file__).with_name("draft").write_text(database.url)
    Path(__file__).with_name("draft").rename(Path(__file__).with_name("url"))
    time.sleep(600)

def test_that_is_quick(database):
    pass
"""

# What runs in the background of a shell ignores Ctrl-C, and so does what it starts; a terminal's programs do not.
AS_IN_A_TERMINAL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import pytest
sys.exit(pytest.console_main())
"""


@contextmanager
def run_of_tests(place: Path, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Pytest in a session of its own, whose temporary directory is `place`."""
    (place / "test_of_a_run.py").write_text(TESTS)
    ours = {"RECOURSE_TEST_RUN", "DATABASE_URL", "RECOURSE_DATA_DIR"}
    others = {name: value for name, value in os.environ.items() if name not in ours and "PYTEST" not in name}
    command = [sys.executable, "-c", AS_IN_A_TERMINAL, "-c", "pyproject.toml", "-p", "no:cacheprovider", *options]
    with subprocess.Popen(
        [*command, str(place)],
        cwd=ROOT,
        env=others | {"TMPDIR": str(place)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def url_of_its_database(place: Path) -> str:
    while not (place / "url").exists():
        time.sleep(0.05)  # until its test has begun; the timeout of this test is the limit
    return (place / "url").read_text()


def is_reachable(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


# In one process: xdist has been seen to hang when a worker and its controller are interrupted in the same moment.
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_run_removes_its_server_and_its_files(tmp_path: Path, number: signal.Signals) -> None:
    with run_of_tests(tmp_path, "-n0") as process:
        url = url_of_its_database(tmp_path)
        assert is_reachable(url)
        os.killpg(process.pid, number)  # as a terminal does
        assert process.wait(timeout=60) == pytest.ExitCode.INTERRUPTED
    assert not is_reachable(url)
    assert not list(tmp_path.glob("recourse-tests-*/"))


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    with run_of_tests(tmp_path, "-n1") as process:
        url = url_of_its_database(tmp_path)
        os.killpg(process.pid, signal.SIGKILL)
    assert list(tmp_path.glob("recourse-tests-*/"))
    with run_of_tests(tmp_path, "-n0", "-k", "quick") as process:
        assert process.wait(timeout=60) == pytest.ExitCode.OK
    assert not is_reachable(url)
    assert not list(tmp_path.glob("recourse-tests-*/"))
