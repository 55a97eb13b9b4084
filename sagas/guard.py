"""Keeps saga code pure and step code honest: what would break replay or atomicity raises where it is tried (R11, R28).

On an activation's thread, code runs in one of these scopes: `saga` (between steps: no database, no outside), `local`
(a local step: our database, no outside), `remote` (a remote step: reads of our database, the outside), or none (the
engine itself).
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from sagas.errors import NotAllowedHere

# Catches mistakes, not malice: a SELECT of a function that writes passes.
_READS = re.compile(r"[\s(]*(SELECT|WITH|SET|SHOW|EXPLAIN)\b", re.IGNORECASE)
_WITH = re.compile(r"[\s(]*WITH\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)


class _Scope(threading.local):
    name = ""


_scope = _Scope()


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Run the block in this scope."""
    before, _scope.name = _scope.name, name
    try:
        yield
    finally:
        _scope.name = before


@contextmanager
def guarded_database() -> Iterator[None]:
    """Watch this thread's Django connection for as long as the block runs."""
    with connection.execute_wrapper(_watch_statement):
        yield


def refuse_outside_call(what: str) -> None:
    """Raise NotAllowedHere when a call to the outside is tried where it could be repeated or could hold locks."""
    if _scope.name == "local":
        raise NotAllowedHere(f"{what} inside a local step: its transaction may run again. Make it a @remote_step.")
    if _scope.name == "saga":
        raise NotAllowedHere(f"{what} between steps: replay would repeat it. Make it a @remote_step.")


def _watch_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if _scope.name == "saga":
        raise NotAllowedHere("the database was used between steps: replay could see other rows. Make it a @local_step.")
    if _scope.name == "remote" and (not _READS.match(sql) or (_WITH.match(sql) and _WRITES.search(sql))):
        raise NotAllowedHere(
            "a remote step wrote to our database outside the ledger's transaction. Write in a @local_step before or "
            "after it."
        )
    return execute(sql, params, many, context)


def _watch_sockets(event: str, _arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _scope.name in ("local", "saga"):
        refuse_outside_call("a network connection was opened")


_installed = threading.Lock()


def install() -> None:
    """Watch this process's sockets, once. libpq opens its own sockets and is not seen."""
    if _installed.acquire(blocking=False):
        sys.addaudithook(_watch_sockets)
