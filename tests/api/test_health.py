"""What load balancers ask: does it live, can it work."""

import pytest
from django.db import connection

from config import health
from tests.api.caller import client


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    health._migrated_once.cache_clear()


def test_a_process_with_a_migrated_database_is_ready() -> None:
    assert client().get("/livez").status_code == 200
    answer = client().get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_a_process_whose_migrations_are_missing_is_alive_but_not_ready() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'payments'")
    answer = client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "database": True, "migrations": False})


def test_a_process_without_its_database_is_alive_but_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", "there_is_no_such_database")
    answer = client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "database": False})
    assert client().get("/livez").status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_is_only_read(path: str) -> None:
    assert client().post(path).status_code == 405
