"""Limits of the database role that the engine uses: a process that freezes inside a transaction must not hold a saga or
an account for longer than a lease (R8)."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import DatabaseError, connection
from psycopg import sql

from sagas import ledger

_STATEMENT_SECONDS = 60

logger = logging.getLogger("sagas")


def wanted(lease: timedelta | None = None) -> dict[str, str]:
    """The settings and their values for this lease, or this process's; network probes in seconds."""
    below_lease = f"{int((lease or ledger.lease()).total_seconds() * 800)}ms"
    return {
        "idle_in_transaction_session_timeout": below_lease,
        "lock_timeout": below_lease,
        "statement_timeout": f"{_STATEMENT_SECONDS * 1000}ms",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }


def set_limits(*, lease: timedelta | None = None) -> None:
    """ALTER ROLE … IN DATABASE for the role that is connected; new sessions have the limits, behind PgBouncer too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_database()")
        role, database = cursor.fetchone()
        for name, value in wanted(lease).items():
            statement = sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}").format(
                sql.Identifier(role), sql.Identifier(database), sql.Identifier(name), sql.Literal(value)
            )
            cursor.execute(statement.as_string(connection.connection))


def missing() -> list[str]:
    """The limits that a new session of this role would not have, or would have otherwise than the lease asks for; none
    are asked for before the first migration."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('sagas_saga') IS NULL")
        if cursor.fetchone() == (True,):
            return []
        cursor.execute(
            "SELECT coalesce(array_agg(setting), '{}') FROM pg_db_role_setting r, unnest(r.setconfig) AS setting"
            " WHERE r.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
            " AND r.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = current_user))"
        )
        have = dict(setting.split("=", 1) for setting in cursor.fetchone()[0])
    return [
        f"{name} (is {have.get(name, 'not set')}, should be {value})"
        for name, value in wanted().items()
        if have.get(name) != value
    ]


def set_limits_after_migrating(**_: Any) -> None:
    """So that a set-up with one role needs no command; with several, each runs `set_database_limits` for itself."""
    try:
        set_limits()
    except DatabaseError as error:
        logger.warning(
            "the limits of the database role were not set (%s): see `manage.py check --database default`", error
        )


@checks.register("database")
def check_limits(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **_: Any
) -> list[checks.CheckMessage]:
    """`manage.py check --database default` says when the role's limits are missing or do not fit the lease."""
    if not databases:
        return []
    try:
        names = missing()
    except DatabaseError as error:
        return [checks.Warning(f"the limits of the database role could not be read: {error}", id="sagas.W002")]
    if not names:
        return []
    return [
        checks.Warning(
            f"the database role's limits do not fit a lease of {ledger.lease().total_seconds():g} s: "
            f"{', '.join(names)}. A frozen process could hold a saga or an account for longer than its lease",
            hint="Run `manage.py set_database_limits` as this role, after every change of RECOURSE_LEASE_SECONDS.",
            id="sagas.W001",
        )
    ]
