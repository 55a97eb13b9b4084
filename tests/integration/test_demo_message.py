"""Every run of the demo has payments of its own."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from psycopg.sql import SQL, Identifier

from config.demo.errors import DemoFailed
from config.demo.message import SHIPPED, Message
from config.demo.prepare import prepare_database
from config.demo.screen import Screen
from payments.models import Payment
from payments.services.accounts import open_customer_account
from payments.services.seed import seed_demo_bank
from sagas import limits


def import_it(message: Message) -> set[str]:
    message.import_all(progress=lambda _done, _total: None)
    return {str(saga_id) for saga_id in message.saga_ids()}


def test_the_first_run_has_the_shipped_file_and_each_later_one_a_new_message(tmp_path: Path) -> None:
    seed_demo_bank()
    first = Message.for_a_new_run(directory=tmp_path)
    assert first.path == SHIPPED
    sagas = import_it(first)
    second = Message.for_a_new_run(directory=tmp_path)
    assert second.path.parent == tmp_path
    others = import_it(second)
    assert (len(sagas), len(others), len(sagas | others)) == (200, 200, 400)
    assert {str(saga_id) for saga_id in Payment.objects.values_list("saga_id", flat=True)} == sagas | others


def test_the_demo_refuses_a_database_that_is_not_its_own() -> None:
    open_customer_account(iban="NL91ABNA0417164300", name="Somebody real", currency="EUR")
    with connection.cursor() as cursor:
        # Behind by a migration, and with limits of its own, so that the demo would have had something to do.
        cursor.execute("DELETE FROM django_migrations WHERE app = 'sessions'")
        cursor.execute(
            SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET lock_timeout = '7s'")
            .format(Identifier(connection.settings_dict["NAME"]))
            .as_string(connection.connection)
        )
    before = state_of_the_database()
    with pytest.raises(DemoFailed, match=r"accounts \(1\) that are not the demo bank's"):
        prepare_database(Screen(), afterwards=ExitStack())
    assert state_of_the_database() == before
    assert not Payment.objects.exists()


def test_the_demo_gives_back_the_limits_that_it_shortened() -> None:
    limits.set_limits()
    before = role_limits()
    with ExitStack() as afterwards:
        prepare_database(Screen(), afterwards=afterwards)
        assert role_limits() != before
    assert role_limits() == before


def role_limits() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setrole, unnest(setconfig) AS setting FROM pg_db_role_setting"
            " JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database() ORDER BY 1, 2"
        )
        return list(cursor.fetchall())


def state_of_the_database() -> tuple[list[tuple[Any, ...]], ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name, applied FROM django_migrations ORDER BY app, name")
        return list(cursor.fetchall()), role_limits()
