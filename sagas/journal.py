"""What one activation has done and not yet made durable, and how it becomes durable (R13–R19, R30)."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sagas import ledger
from sagas.business import BusinessTransaction
from sagas.clock import clock
from sagas.connections import close_connection, engine_cursor
from sagas.control import FlushRefused, FlushUnknown, LeaseLost, ReplayNeeded, Suspended
from sagas.counts import counts
from sagas.entries import ChainHead, Entry, EntryType
from sagas.failpoints import reach
from sagas.flusher import Flusher
from sagas.ledger import Flush, StatusChange
from sagas.outcomes import ends_connection, is_nobodys_fault, sqlstate

T = TypeVar("T")

#: What has happened outside: it must survive when the transaction around it does not.
_FACTS = (
    EntryType.RESUMED,
    EntryType.CALL_COMPLETED,
    EntryType.CALL_REJECTED,
    EntryType.CALL_FAILED,
    EntryType.CALL_UNKNOWN,
)
#: An intent alone is no progress: a saga whose remote step kills the process must not count as moving (R6).
_NO_PROGRESS = (EntryType.CALL_INTENDED,)
_UNIQUE_VIOLATION = "23505"


class Journal:
    """The buffer of one activation: entries are appended to the saga's chain and flushed at barriers."""

    def __init__(
        self,
        *,
        saga_id: UUID,
        token: UUID,
        head: ChainHead,
        inbox_seq: int,
        flusher: Flusher,
        actor: str,
        careful: bool,
        leased_at: float,
    ) -> None:
        self._saga_id = saga_id
        self._token = token
        self._head = head
        self._flusher = flusher
        self._actor = actor
        #: After a crash or a rollback: every remote outcome is flushed before a local step, every local step alone.
        self._careful = careful
        self._seen = inbox_seq
        self._buffer: list[Entry] = []
        self._transaction: BusinessTransaction | None = None
        self._facts_before_transaction = 0
        self._leased_at = leased_at
        self._status: StatusChange | None = None

    def append(self, type: EntryType, **columns: Any) -> Entry:  # noqa: A002 - the column's name
        """Add an entry to the buffer. Durable with the next flush."""
        entry = self._head.link(type, at=clock.now(), actor=self._actor, **columns)
        self._buffer.append(entry)
        return entry

    def set_status(self, status: StatusChange) -> None:
        """What people see of the saga from the next flush on."""
        self._status = status

    def run_local(self, body: Callable[[], T]) -> T:
        """Run a step's body in the open transaction, in a savepoint; opens and fences one if there is none."""
        try:
            if self._transaction is None:
                if self._careful and self._buffer:
                    self.flush()
                self._facts_before_transaction = len(self._buffer)
                self._transaction = BusinessTransaction(self._saga_id, self._token)
            reach("step.before")
            value = self._transaction.run(body)
            reach("step.after")
        except Exception as error:
            if is_nobodys_fault(error):
                self._start_over(error)
            raise
        return value

    def flush_if_full(self) -> None:
        """After a local step: end the shared transaction when it has lasted long enough (R13)."""
        if self._transaction is not None and (self._careful or self._transaction.is_full):
            self.flush()

    def flush(self, *, demand_inbox: bool = False) -> None:
        """Make the buffer durable; the lease stays. `demand_inbox`: only if nothing newer was received (R30)."""
        if self._buffer or self._transaction is not None:
            self._write(demand_inbox=demand_inbox)

    def leave(self, *, wake_at: datetime | None, ended: bool = False) -> None:
        """Make the buffer durable and release the lease in the same flush. Always raises Suspended on success."""
        self._write(demand_inbox=True, leaves=True, wake_at=wake_at, ended=ended)
        raise Suspended

    def assert_lease(self) -> None:
        """Before a call: prove the lease again if a good part of it has passed since it was last proved (R7)."""
        if time.monotonic() - self._leased_at > ledger.lease().total_seconds() / 3:
            self.extend_lease()

    def extend_lease(self) -> None:
        """Start the lease afresh. Raises LeaseLost if another worker may hold the saga."""
        sent_at = time.monotonic()
        if not ledger.extend(self._saga_id, self._token):
            raise LeaseLost
        self._leased_at = sent_at

    def seconds_until_extension(self) -> float:
        """How long a call may go on before the lease should be extended: a third of it, counted from its proof."""
        return max(ledger.lease().total_seconds() / 3 - (time.monotonic() - self._leased_at), 0.001)

    def try_extend_lease(self) -> None:
        """During a call, whose answer must not be lost to a moment's trouble of ours: the flush after it is fenced."""
        try:
            self.extend_lease()
        except Exception as error:
            if not is_nobodys_fault(error):
                raise
            close_connection()

    def abandon(self) -> None:
        """Drop everything that is not durable; an open transaction is rolled back."""
        if self._transaction is not None:
            self._transaction.roll_back()
            self._transaction = None
        self._buffer.clear()

    def _write(
        self, *, demand_inbox: bool, leaves: bool = False, wake_at: datetime | None = None, ended: bool = False
    ) -> None:
        lease = ledger.lease().total_seconds()
        # Undoing must not begin while a message that could change the reason waits unread (R30).
        demand_inbox = demand_inbox or any(entry.type == EntryType.UNDO_BEGUN for entry in self._buffer)
        flush = Flush(
            saga_id=self._saga_id,
            token=self._token,
            entries=tuple(self._buffer),
            head_seq=self._head.seq,
            head_hash=self._head.hash,
            at=clock.now(),
            seen=self._seen if demand_inbox else None,
            leaves=leaves,
            wake_at=wake_at,
            ended=ended,
            progress=any(entry.type not in _NO_PROGRESS for entry in self._buffer),
            extend=not leaves and time.monotonic() - self._leased_at > lease / 3,
            status=self._status,
        )
        reach("flush.before")
        sent_at = time.monotonic()
        inbox_seq = self._send(flush)
        reach("flush.durable")
        if inbox_seq is None:
            self._refused(demand_inbox=demand_inbox)
        self._transaction = None
        self._buffer.clear()
        self._status = None
        if flush.extend:
            self._leased_at = sent_at

    def _send(self, flush: Flush) -> int | None:
        """Through the open transaction if there is one, else with the flushes of other sagas."""
        try:
            if self._transaction is not None:
                return self._transaction.commit(flush)
            # Not passed: fenced out, or its row was locked when several were written. Alone it waits for the lock.
            passed = self._flusher.flush(flush)
            return self._flush_alone(flush) if passed is None else passed
        except Exception as error:
            if sqlstate(error) == _UNIQUE_VIOLATION:
                # Somebody has written this (saga, seq): the token was lost, whatever we believe.
                raise LeaseLost from error
            if is_nobodys_fault(error):
                self._start_over(error)
            raise FlushRefused("the database refuses a flush") from error

    @staticmethod
    def _flush_alone(flush: Flush) -> int | None:
        try:
            with engine_cursor() as cursor:
                passed = ledger.write(cursor, [flush])
        except Exception as error:
            if ends_connection(error):
                raise FlushUnknown("the answer to a flush was lost") from error
            raise
        counts.add(commits=1)
        return passed.get(flush.saga_id)

    def _refused(self, *, demand_inbox: bool) -> None:
        """No row passed the fence: the token is lost, or the inbox has moved on and the ledger must be read again."""
        if not demand_inbox or ledger.holds(self._saga_id, self._token) is None:
            raise LeaseLost
        self._start_over(None)

    def _start_over(self, error: BaseException | None) -> None:
        """Nothing of the open transaction is durable: save what has happened outside, then replay (R18)."""
        if self._transaction is not None:
            self._transaction.roll_back()
            del self._buffer[self._facts_before_transaction :]
            self._transaction = None
        facts = []
        for entry in self._buffer:
            if entry.type not in _FACTS:
                break
            facts.append(entry)
        if facts:
            flush = Flush(
                saga_id=self._saga_id,
                token=self._token,
                entries=facts,
                head_seq=facts[-1].seq,
                head_hash=facts[-1].hash,
                at=clock.now(),
                progress=True,
            )
            try:
                written = self._flusher.flush(flush)
                if written is None:  # or only passed over, its row being locked: alone it waits
                    written = self._flush_alone(flush)
            except FlushUnknown:
                raise
            except Exception as again:
                # The database says no even to this: the outcome will be settled again from its intent.
                raise FlushUnknown("the database does not take the outcome of a call") from again
            if written is None:
                raise LeaseLost from error
        raise ReplayNeeded from error
