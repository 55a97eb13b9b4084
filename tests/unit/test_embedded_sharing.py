"""Who starts the embedded server, who shares it, and who stops it."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.embedded import EmbeddedServer
from tests.unit.embedded_users import leave, postmaster_of, run_program, user_of


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(tmp_path / "a place with spaces", durable=False)
    yield server
    server.destroy()


def test_two_processes_share_a_server_and_the_last_one_stops_it(server: EmbeddedServer) -> None:
    with user_of(server.data_dir) as first, user_of(server.data_dir) as second:
        postmaster = postmaster_of(first)
        assert postmaster_of(second) == postmaster
        leave(first)
        assert server.postmaster_pid() == postmaster
        leave(second)
        assert server.postmaster_pid() is None


def test_many_that_start_at_once_start_one_server(server: EmbeddedServer) -> None:
    with ExitStack() as users:
        started = [users.enter_context(user_of(server.data_dir)) for _ in range(5)]
        assert len({postmaster_of(user) for user in started}) == 1


def test_a_killed_user_is_not_counted(server: EmbeddedServer) -> None:
    with user_of(server.data_dir) as killed, user_of(server.data_dir) as other:
        postmaster_of(killed)
        postmaster_of(other)
        killed.kill()
        killed.wait()
        leave(other)
        assert server.postmaster_pid() is None


def test_a_forked_child_neither_keeps_the_server_nor_ends_it(server: EmbeddedServer) -> None:
    program = """
import os, sys
from pathlib import Path
from config.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False)
server.ensure_running()
child = os.fork()
if not child:
    sys.exit()  # runs what the parent registered for its exit
os.waitpid(child, 0)
after_the_child_ended = server.postmaster_pid()
ready, say_ready = os.pipe()
idle, end = os.pipe()
if not os.fork():
    os.close(end)
    os.write(say_ready, b".")
    os.read(idle, 1)  # outlives the parent's use, without a use of its own
    os._exit(0)
os.read(ready, 1)
server.release()
print(after_the_child_ended is not None, server.postmaster_pid() is None)
"""
    assert run_program(program, server.data_dir) == "True True"


def test_a_forked_child_that_connects_counts_as_a_user(server: EmbeddedServer) -> None:
    program = """
import os, sys
from pathlib import Path
from config.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False)
server.ensure_running()
ready, say_ready = os.pipe()
go_on, say_go_on = os.pipe()
if not os.fork():
    os.close(say_go_on)
    server.ensure_running()
    os.write(say_ready, b".")
    os.read(go_on, 1)
    server.release()
    os._exit(0 if server.postmaster_pid() is None else 1)
os.read(ready, 1)
server.release()
used_by_the_child = server.postmaster_pid() is not None
os.close(say_go_on)
print(used_by_the_child, os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert run_program(program, server.data_dir) == "True 0"


def test_settings_start_nothing_and_write_nothing(tmp_path: Path) -> None:
    place = tmp_path / "data"
    unset = {"DATABASE_URL", "CELERY_BROKER_URL"}
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"RECOURSE_DATA_DIR": str(place), "SECRET_KEY": "given", "DJANGO_SETTINGS_MODULE": "config.settings"}
    program = (
        "import django; django.setup(); from django.db import connection; print(connection.settings_dict['ENGINE'])"
    )
    assert run_program(program, env=env) == "config.embedded.backend"
    assert not place.exists()


def test_using_a_server_that_is_used_already_costs_nothing(server: EmbeddedServer) -> None:
    server.ensure_running()
    began = time.perf_counter()
    for _ in range(1000):
        server.ensure_running()
    assert time.perf_counter() - began < 0.1
