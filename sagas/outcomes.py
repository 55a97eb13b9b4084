"""Reads what the database's errors mean for a flush or a transaction (R18, R19)."""

import psycopg
from django.db import Error as DjangoError

#: Not a step's fault: serialisation and deadlock (class 40), lock not available, statement or lock timeout, and a
#: server that is shutting down, starting up or out of connections or memory.
_NOBODYS_FAULT = ("40", "53", "55P03", "57", "58")


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a database error, through Django's wrapper; None if the server's answer is not known."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.Error):
            return seen.sqlstate
        seen = seen.__cause__
    return None


def is_database_error(error: BaseException) -> bool:
    return isinstance(error, psycopg.Error | DjangoError)


def ends_connection(error: BaseException) -> bool:
    """The connection is gone, or the server is going: what was sent last has an unknown result."""
    if not is_database_error(error):
        return False
    state = sqlstate(error)
    if state is None:
        return isinstance(_root(error), psycopg.OperationalError | psycopg.InterfaceError)
    # 25P03, 25P04: the server has ended a session that was idle in a transaction for too long (R8).
    return state.startswith(("08", "57P", "25P03", "25P04"))


def is_nobodys_fault(error: BaseException) -> bool:
    """The database asks for another try; it is neither a step's failure nor an attempt (R18)."""
    if not is_database_error(error):
        return False
    state = sqlstate(error)
    return ends_connection(error) or (state is not None and state.startswith(_NOBODYS_FAULT))


def _root(error: BaseException) -> BaseException:
    while error.__cause__ is not None and not isinstance(error, psycopg.Error):
        error = error.__cause__
    return error
