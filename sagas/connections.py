"""The engine's way to the database: Django's connection of this thread, but plain psycopg cursors with server-side
binding and prepared statements, past Django's execute wrappers (which guard saga code, not the engine)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection

type_of_row = tuple[Any, ...]


@contextmanager
def engine_cursor() -> Iterator[psycopg.Cursor[type_of_row]]:
    """A cursor on this thread's connection, in its open transaction if there is one, else in autocommit."""
    connection.ensure_connection()
    raw = connection.connection
    if settings.SAGAS["PREPARE"] and raw.prepare_threshold is None:
        raw.prepare_threshold = 2
    with psycopg.Cursor(raw) as cursor:
        yield cursor


def heal_connection() -> None:
    """Close this thread's connection if an error has broken it: a thread that lives for days outlives its server."""
    if connection.connection is not None and connection.errors_occurred:
        if connection.is_usable():
            connection.errors_occurred = False
        else:
            connection.close()


def database_answers() -> bool:
    """Whether our database answers on this thread's connection, or on a new one if there is none."""
    try:
        connection.ensure_connection()
        return connection.is_usable()
    except DatabaseError:
        return False


def close_connection() -> None:
    """Close this thread's connection; the next use opens a new one."""
    connection.close()
