"""A reset removes a data directory with its server, and nothing that is not ours."""

import os
import subprocess
import sys
from pathlib import Path

from config.embedded import EmbeddedServer
from config.embedded.home import Home
from config.locks import FileLock

ROOT = Path(__file__).resolve().parents[2]


def destroy(data_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.embedded", "destroy"],
        cwd=ROOT,
        env={**os.environ, "RECOURSE_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_reset_removes_the_servers_data_wherever_it_lies_and_says_so(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    server = EmbeddedServer(data_dir, durable=False)
    try:
        server.ensure_running()
        (data_dir / "secret_key").write_text("secret")
        home = Home(data_dir).path
        done = destroy(data_dir)
        assert done.returncode == 0, done.stderr
        assert f"Removing {data_dir} ..." in done.stdout
        assert f"Removing {home} ..." in done.stdout
        assert (data_dir.exists(), home.exists(), server.postmaster_pid()) == (False, False, None)
    finally:
        server.destroy()


def test_a_directory_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all")
    done = destroy(tmp_path)
    assert done.returncode == 1
    assert "Nothing was removed" in done.stderr
    assert letter.exists()


def test_the_data_of_a_running_demo_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    lock = FileLock(tmp_path / "demo" / "running.lock")
    assert lock.try_exclusive()
    try:
        done = destroy(tmp_path)
    finally:
        lock.release()
    assert done.returncode == 1
    assert "A demo is running" in done.stderr
    assert (tmp_path / "demo").exists()
