"""What the embedded server survives: kills, stale lock files, odd paths, another account."""

import os
import shutil
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db.utils import ConnectionHandler

from config.embedded import EmbeddedServer, ServerUnavailable, database_settings
from config.embedded.home import Account, Home, homes_of_root, own_directory
from config.embedded.server import server_of
from tests.unit.embedded_users import run_program


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path / "data", durable=False)
    yield server
    server.destroy()


def write(server: EmbeddedServer, word: str) -> None:
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def words(server: EmbeddedServer) -> list[str]:
    with psycopg.connect(server.url()) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words").fetchall()]


def kill_postmaster(server: EmbeddedServer) -> None:
    pid = server.postmaster_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_data_is_kept_between_runs(server: EmbeddedServer) -> None:
    server.ensure_running()
    write(server, "kept")
    server.release()
    assert server.postmaster_pid() is None
    server.ensure_running()
    assert words(server) == ["kept"]


@pytest.mark.parametrize("name", ["with spaces", "with $HOME, \"quotes\" and 'more'", "with-ünïcode", "d" * 120])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    server = EmbeddedServer(tmp_path / name, durable=False)
    try:
        server.ensure_running()
        write(server, "there")
        assert words(server) == ["there"]
    finally:
        server.destroy()


def test_django_reconnects_after_the_server_was_killed_and_finds_its_data(
    tmp_path: Path, django_db_blocker: object
) -> None:
    connections = ConnectionHandler({"default": database_settings(tmp_path)})
    server = server_of(tmp_path)
    try:
        with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django exports no type for it
            with connections["default"].cursor() as cursor:
                cursor.execute("CREATE TABLE words AS SELECT 'committed' AS word")
            kill_postmaster(server)
            connections["default"].close()
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT word FROM words")
                assert cursor.fetchall() == [("committed",)]
            connections["default"].close()
    finally:
        server.destroy()


def test_a_stale_pid_file_whose_pid_is_in_use_again_is_not_believed(server: EmbeddedServer) -> None:
    server.ensure_running()
    write(server, "kept")
    kill_postmaster(server)
    account = Account.for_this_process()
    identity = {"user": account.uid, "group": account.gid} if account.is_other else {}
    with subprocess.Popen(["sleep", "60"], **identity) as other:  # type: ignore[call-overload]  # literal arguments only
        home = Home(server.data_dir)
        for path in (home.pgdata / "postmaster.pid", home.sockets / f".s.PGSQL.{server.port}.lock"):
            rest = path.read_bytes().partition(b"\n")[2]
            path.write_bytes(b"%d\n" % other.pid + rest)
        assert server.postmaster_pid() is None
        assert server.revive()
        assert server.postmaster_pid() not in {None, other.pid}
        other.kill()
    assert words(server) == ["kept"]


def test_a_stopped_server_is_started_again_for_who_still_uses_it(server: EmbeddedServer) -> None:
    server.ensure_running()
    server.stop()
    assert server.postmaster_pid() is None
    assert server.revive()
    assert not server.revive()


def test_a_server_that_cannot_start_says_why(server: EmbeddedServer) -> None:
    server.ensure_running()
    server.release()
    (Home(server.data_dir).pgdata / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerUnavailable, match="9"):
        server.ensure_running()


def test_a_data_directory_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerUnavailable, match="RECOURSE_DATA_DIR"):
        EmbeddedServer(tmp_path / "file" / "data").ensure_running()


def test_a_directory_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    planted = tmp_path / "sockets"
    planted.mkdir()
    planted.chmod(0o777)
    with pytest.raises(ServerUnavailable, match="only user"):
        own_directory(planted, mode=0o700, owner=os.geteuid())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else; every other test ran unprivileged")
def test_it_works_without_root_too(server: EmbeddedServer, tmp_path: Path) -> None:
    server.ensure_running()  # makes the copy of the programs that an unprivileged account can reach
    program = """
        import os, sys
        from pathlib import Path
        import psutil, psycopg
        from config.embedded import EmbeddedServer, home, postmaster
        copy = home.programs(home.Account.for_this_process())
        postmaster.programs = lambda account: copy
        place = Path(sys.argv[1])
        os.chown(place, 65534, 65534)
        os.chdir(place)
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        server = EmbeddedServer(place / "data")
        server.ensure_running()
        with psycopg.connect(server.url()) as connection:
            print(connection.execute("SELECT current_setting('fsync'), current_database()").fetchone())
        server.release()
        print(server.postmaster_pid(), sorted(path.name for path in (place / "data" / "postgres").iterdir()))
        server.destroy()
        """
    place = homes_of_root() / f"unprivileged-{os.getpid()}"
    place.mkdir()
    try:
        said = run_program(textwrap.dedent(program), place)
    finally:
        shutil.rmtree(place)
    assert said == "('on', 'recourse')\nNone ['cluster', 'gate.lock', 'programs.log', 'users.lock']"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers live outside their data directory")
def test_a_deleted_data_directory_takes_its_server_with_it(tmp_path: Path) -> None:
    abandoned = EmbeddedServer(tmp_path / "abandoned", durable=False)
    abandoned.ensure_running()
    abandoned.release()
    home = Home(abandoned.data_dir)
    assert home.pgdata.exists()
    home.link.unlink()
    other = EmbeddedServer(tmp_path / "other", durable=False)
    try:
        other.ensure_running()
        assert not home.path.exists()
    finally:
        other.destroy()
