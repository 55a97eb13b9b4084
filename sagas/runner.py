"""Runs the due sagas of a queue in this process: claims them in batches and gives each a thread (R21, R22)."""

import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from sagas import hints, ledger
from sagas.activation import Activation
from sagas.connections import close_connection
from sagas.control import ActivationEnded, FlushUnknown, ReplayNeeded
from sagas.entries import Entry
from sagas.errors import UnknownDefinition
from sagas.failpoints import reach
from sagas.ledger import Claimed, InboxRow
from sagas.models import Priority
from sagas.outcomes import is_database_error
from sagas.runtime import Runtime
from sagas.threads import Threads

logger = logging.getLogger("sagas")

#: A saga whose activations end abnormally this often, without progress in between, is parked.
POISON_STARTS = 3
_MOST_REPLAYS = 5
_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed saga with its ledger, and when (monotonic) its lease began at the latest."""

    claimed: Claimed
    entries: list[Entry]
    inbox: list[InboxRow]
    claimed_at: float


class Runner:
    """One per process. `drain` may be called from any thread; activations run on the runner's own."""

    def __init__(self) -> None:
        self._capacity: int = settings.SAGAS["ACTIVATIONS"]
        self._runtime = Runtime(activations=self._capacity)
        self._threads = Threads(self._capacity, name="recourse-saga")
        self._in_flight = 0
        self._changed = threading.Condition()
        self._draining: dict[str, threading.Lock] = {}
        self.stopping = threading.Event()

    def drain(self, queue: str, *, seconds: float = _DRAIN_SECONDS) -> bool:
        """Run due sagas until none is left or the time is up; True if there may be more.

        Returns when the last one was handed to a thread, not when it has ended. A second drain of a queue that is being
        drained returns at once. A database that does not answer ends the drain; the next sweep tries again.
        """
        lock = self._draining.setdefault(queue, threading.Lock())
        if not lock.acquire(blocking=False):
            return False
        try:
            return self._drain(queue, time.monotonic() + seconds)
        except Exception as error:
            if not is_database_error(error):
                raise
            logger.warning("queue %s: the database did not answer (%s); the next sweep tries again", queue, error)
            close_connection()
            return False
        finally:
            lock.release()

    def wait_until_idle(self, *, seconds: float) -> bool:
        """Wait for the activations under way; False if some are left."""
        with self._changed:
            return self._changed.wait_for(lambda: self._in_flight == 0, timeout=seconds)

    def stop(self, *, seconds: float) -> None:
        """Claim no more, give back what was not started, let what runs come to its next wait, for so long."""
        self.stopping.set()
        self.wait_until_idle(seconds=seconds)
        self._threads.stop(seconds=0.5)
        self._runtime.stop()

    # --- claiming ---

    def _drain(self, queue: str, until: float) -> bool:
        lowered = False
        while not self.stopping.is_set():
            room = self._wait_for_room(until)
            if room == 0:
                return True
            work = self._claim(queue, room)
            for item in work:
                self._threads.submit(self._run, item)
            if work:
                lowered = False
            elif lowered:
                return False
            else:
                # Lowered before the last claim: what was started after that claim has raised it again.
                hints.lower(queue)
                lowered = True
        return False

    def _wait_for_room(self, until: float) -> int:
        """How many sagas may be claimed: as many as have a thread now or soon. 0 when the time is up."""
        most = 2 * self._capacity
        with self._changed:
            patience = max(until - time.monotonic(), 0)
            if not self._changed.wait_for(lambda: self._in_flight <= self._capacity, timeout=patience):
                return 0
            return most - self._in_flight if time.monotonic() < until else 0

    def _claim(self, queue: str, room: int) -> list[Work]:
        claimed_at = time.monotonic()
        claimed = ledger.claim(queue=queue, bands=Priority.values, limit=room)
        if not claimed:
            return []
        reach("claim.durable")
        with self._changed:
            self._in_flight += len(claimed)
        try:
            entries = ledger.load(item.id for item in claimed)
            told = [item.id for item in claimed if item.inbox_seq]
            inbox = ledger.inbox(told) if told else {}
        except BaseException:
            for item in claimed:
                self._threads.submit(self._give_back, item)
            raise
        return [Work(item, entries[item.id], inbox.get(item.id, []), claimed_at) for item in claimed]

    # --- running ---

    def _run(self, work: Work) -> None:
        try:
            waited = time.monotonic() - work.claimed_at
            if self.stopping.is_set() or waited > ledger.lease().total_seconds() / 3:
                # Never started, so nothing counts against it (R6).
                ledger.release(work.claimed.id, work.claimed.token)
            else:
                self._activate(work)
        except BaseException as error:  # noqa: BLE001 - a thread of the pool must survive whatever one saga does
            self._dropped(work.claimed, error)
        finally:
            self._finished()

    def _activate(self, work: Work) -> None:
        claimed, entries, inbox, inbox_seq = work.claimed, work.entries, work.inbox, work.claimed.inbox_seq
        starts, careful = claimed.starts, claimed.abandoned
        if claimed.abandoned:
            counted = ledger.count_start(claimed.id, claimed.token)
            if counted is None:
                return
            starts = counted
        for _ in range(_MOST_REPLAYS):
            try:
                activation = Activation(
                    self._runtime, claimed, entries=entries, inbox=inbox, inbox_seq=inbox_seq, careful=careful
                )
                if starts > POISON_STARTS:
                    activation.park_as_poison(starts - 1)
                activation.run()
            except UnknownDefinition as unknown:
                logger.warning("saga %s waits for a worker that knows it: %s", claimed.id, unknown)
                break
            except ReplayNeeded:
                held = ledger.holds(claimed.id, claimed.token)
                if held is None:
                    return
                inbox_seq, careful = held, True
                entries = ledger.load([claimed.id])[claimed.id]
                inbox = ledger.inbox([claimed.id]).get(claimed.id, [])
            except FlushUnknown:
                raise
            except ActivationEnded:
                return
        # Crowded out (locks, messages without end) or not known here: later, by whoever comes.
        delay = timedelta(seconds=random.uniform(1, 3))  # noqa: S311 - spreads load, guards nothing
        ledger.release(claimed.id, claimed.token, delay=delay, uncount=claimed.abandoned)

    def _dropped(self, claimed: Claimed, error: BaseException) -> None:
        """An activation ended without saying where: its token is given back, so that recovery costs no whole lease."""
        close_connection()
        if isinstance(error, FlushUnknown) or is_database_error(error):
            logger.warning("saga %s: dropped, the database did not answer: %s", claimed.id, error.__cause__ or error)
            self._give_back_quietly(claimed)
            return
        logger.error("saga %s: the engine failed", claimed.id, exc_info=error)
        try:
            if not claimed.abandoned:
                ledger.count_start(claimed.id, claimed.token)
            ledger.release(claimed.id, claimed.token, delay=timedelta(seconds=random.uniform(1, 5)))  # noqa: S311
        except Exception:
            logger.exception("saga %s: could not be given back; its lease will end", claimed.id)

    def _give_back(self, claimed: Claimed) -> None:
        try:
            self._give_back_quietly(claimed)
        finally:
            self._finished()

    def _give_back_quietly(self, claimed: Claimed) -> None:
        """R19: after a moment, so that the database can come back; a token that was lost releases nothing."""
        self.stopping.wait(random.uniform(0.1, 0.5))  # noqa: S311 - spreads load, guards nothing
        try:
            ledger.release(claimed.id, claimed.token, uncount=claimed.abandoned)
        except Exception as error:  # noqa: BLE001 - the lease ends by itself
            logger.warning("saga %s: could not be given back (%s); its lease will end", claimed.id, error)
            close_connection()

    def _finished(self) -> None:
        with self._changed:
            self._in_flight -= 1
            self._changed.notify_all()


_runner: Runner | None = None
_making = threading.Lock()


def runner() -> Runner:
    """This process's runner, made at the first call (after a fork, never before one)."""
    global _runner  # noqa: PLW0603 - one per process is the point
    with _making:
        if _runner is None:
            _runner = Runner()
        return _runner
