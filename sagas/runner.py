"""Runs the due sagas of a queue in this process: claims them in batches and gives each a thread (R21, R22)."""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings

from sagas import custody, hints, ledger
from sagas.connections import close_connection
from sagas.custody import Work
from sagas.failpoints import reach
from sagas.ledger import Claimed
from sagas.models import Priority
from sagas.outcomes import is_database_error
from sagas.runtime import Runtime
from sagas.threads import Threads

T = TypeVar("T")

logger = logging.getLogger("sagas")

_DRAIN_SECONDS = 5.0


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
                self._hand_out(self._run, item)
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
                self._hand_out(self._give_back, item)
            raise
        return [Work(item, entries.get(item.id, []), inbox.get(item.id, []), claimed_at) for item in claimed]

    def _hand_out(self, work: Callable[[T], None], item: T) -> None:
        try:
            self._threads.submit(work, item)
        except RuntimeError:
            # Stopped since the claim: this thread does it, which then means giving the saga back.
            work(item)

    # --- running ---

    def _run(self, work: Work) -> None:
        try:
            custody.keep(self._runtime, work, stopping=self.stopping)
        finally:
            self._finished()

    def _give_back(self, claimed: Claimed) -> None:
        try:
            custody.give_back_after_a_moment(claimed, stopping=self.stopping)
        finally:
            self._finished()

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


def _forget_runner() -> None:
    """In a forked child the parent's threads do not exist: it makes a runner of its own when it needs one."""
    global _runner, _making
    _runner, _making = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_runner)
