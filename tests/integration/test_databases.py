"""The promises of the test set-up itself."""

import os
import subprocess
import sys
import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.plugin import Database


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_every_test_finds_an_empty_database_and_commits_for_real(turn: int, database: Database) -> None:
    assert not User.objects.exists()
    User.objects.create(username=f"turn-{turn}")
    assert not connection.in_atomic_block


def test_a_thread_uses_the_database_of_its_test() -> None:
    User.objects.create(username="seen")
    seen: list[str] = []

    def look() -> None:
        seen.extend(User.objects.values_list("username", flat=True))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == ["seen"]


def test_a_process_started_by_a_test_uses_its_database(database: Database) -> None:
    User.objects.create(username="seen")
    program = "from django.contrib.auth.models import User; print(User.objects.get().username)"
    answer = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "seen"
    assert os.environ["DATABASE_URL"] == database.url
