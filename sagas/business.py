"""The transaction that local steps share with their ledger entries: fenced first, one savepoint per step (R13–R16)."""

import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction

from sagas import guard, ledger
from sagas.connections import close_connection, engine_cursor
from sagas.control import FlushUnknown, LeaseLost
from sagas.counts import counts
from sagas.errors import NotAllowedHere
from sagas.failpoints import reach
from sagas.ledger import Flush
from sagas.outcomes import ends_connection

T = TypeVar("T")

MOST_STEPS = 32
MOST_SECONDS = 0.25

# One round trip each: psycopg sends a statement without parameters by the simple protocol.
_RELEASE = "SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT step; SET CONSTRAINTS ALL DEFERRED"
_ROLL_BACK = "ROLLBACK TO SAVEPOINT step; RELEASE SAVEPOINT step; SET CONSTRAINTS ALL DEFERRED"


class BusinessTransaction:
    """Open from construction until `commit` or `roll_back`. Raises LeaseLost if the token no longer holds the saga."""

    def __init__(self, saga_id: UUID, token: UUID) -> None:
        self._saga_id = saga_id
        self._token = token
        self._opened_at = time.monotonic()
        self._steps = 0
        try:
            self._open()
        except Exception as error:
            if not ends_connection(error):
                raise
            # The connection had died while it was idle: nothing of ours was under way, so a new one is the same.
            close_connection()
            self._open()

    def _open(self) -> None:
        self._atomic = transaction.atomic(durable=True)
        self._atomic.__enter__()
        try:
            with engine_cursor() as cursor:
                held = ledger.fence(cursor, self._saga_id, self._token)
        except BaseException:
            self.roll_back()
            raise
        if held is None:
            self.roll_back()
            raise LeaseLost

    @property
    def is_full(self) -> bool:
        """Whether it has run long enough: the row lock it holds keeps senders waiting."""
        return self._steps >= MOST_STEPS or time.monotonic() - self._opened_at > MOST_SECONDS

    def run(self, body: Callable[[], T]) -> T:
        """Run a step's body in a savepoint; if it raises, nothing of it remains and the transaction goes on.

        Deferred constraints are checked here, so that a broken one fails this step and not the commit that carries an
        earlier remote outcome (R16).
        """
        self._steps += 1
        hooks = len(connection.run_on_commit)
        with engine_cursor() as cursor:
            cursor.execute("SAVEPOINT step", prepare=False)
            counts.add(statements=2)
            try:
                with guard.scope("local"):
                    value = body()
                _refuse_what_outlives(hooks)
                cursor.execute(_RELEASE, prepare=False)
            except BaseException as error:
                if ends_connection(error):
                    raise
                connection.needs_rollback = False
                connection.savepoint_ids.clear()
                del connection.run_on_commit[hooks:]
                cursor.execute(_ROLL_BACK, prepare=False)
                raise
        return value

    def commit(self, flush: Flush) -> int | None:
        """Write the entries and commit all. Returns the inbox's number, or None if the flush's demand on the inbox was
        not met: then everything is rolled back.

        Raises FlushUnknown if COMMIT was sent and its answer lost (R19); other errors mean that nothing is durable.
        """
        try:
            with engine_cursor() as cursor:
                passed = ledger.write(cursor, [flush])
        except BaseException:
            self.roll_back()
            raise
        if flush.saga_id not in passed:
            self.roll_back()
            return None
        reach("transaction.before_commit")
        try:
            self._atomic.__exit__(None, None, None)
        except Exception as error:
            if ends_connection(error):
                close_connection()
                raise FlushUnknown("the answer to a commit was lost") from error
            raise
        counts.add(statements=2, commits=1)
        return passed[flush.saga_id]

    def roll_back(self) -> None:
        """Undo everything since it was opened; a connection that fails even in this is closed."""
        try:
            transaction.set_rollback(True)
            self._atomic.__exit__(None, None, None)
        except Exception:  # noqa: BLE001 - whatever it was, a closed connection has rolled back
            close_connection()


def _refuse_what_outlives(hooks: int) -> None:
    """A step must leave the transaction as it found it: what it left behind would decide the fate of others."""
    if connection.needs_rollback or connection.savepoint_ids:
        raise NotAllowedHere(
            "a local step told Django to roll back (set_rollback, or an error caught inside "
            "atomic(savepoint=False)), or left an atomic block open: its commit would be none"
        )
    if len(connection.run_on_commit) != hooks:
        raise NotAllowedHere(
            "a local step registered an on_commit hook: the step may be repeated, and the hook lost with its process"
        )
