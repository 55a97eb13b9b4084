"""Group commit: flushes without business rows, of all the sagas of this process, as one statement (R21).

While one statement is under way the next flushes gather, so a busy process groups by itself and an idle one does not
wait. The thread owns its connection.
"""

import queue
import threading
from concurrent.futures import Future
from uuid import UUID

from sagas import ledger
from sagas.connections import close_connection, engine_cursor
from sagas.control import FlushUnknown
from sagas.counts import counts
from sagas.ledger import Flush
from sagas.outcomes import ends_connection

#: Most sagas in one statement: more gains nothing measurable and makes an error expensive.
GROUP = 64

Outcome = Future[int | None]


class Flusher:
    """Writes flushes for the activations of one process."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[Flush, Outcome] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recourse-flusher", daemon=True)
        self._thread.start()

    def flush(self, flush: Flush) -> int | None:
        """Make these entries durable. Returns the inbox's number, or None if the saga was fenced out.

        Raises FlushUnknown if the answer was lost: it may or may not be durable, and must not be sent again (R19).
        A database error with an SQLSTATE is raised as it is: nothing is durable.
        """
        outcome: Outcome = Future()
        self._waiting.put((flush, outcome))
        if not self._thread.is_alive():
            self._refuse_what_is_left()
        return outcome.result()

    def stop(self, *, seconds: float) -> None:
        """End the thread when what was handed in is written; wait so long. What comes later is refused."""
        self._waiting.put(None)
        self._thread.join(timeout=seconds)

    def _run(self) -> None:
        running = True
        while running:
            first = self._waiting.get()
            if first is None:
                break
            group = [first]
            while len(group) < GROUP:
                try:
                    item = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    running = False
                    break
                group.append(item)
            self._write(group)
        self._refuse_what_is_left()
        close_connection()

    def _refuse_what_is_left(self) -> None:
        while True:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return
            if item is not None:
                item[1].set_exception(FlushUnknown("this process is stopping; nothing was sent"))

    def _write(self, group: list[tuple[Flush, Outcome]]) -> None:
        try:
            passed = self._send([flush for flush, _ in group])
        except BaseException as error:  # noqa: BLE001 - the activations that wait must hear of everything
            self._report(group, error)
            return
        for flush, outcome in group:
            outcome.set_result(passed.get(flush.saga_id))

    def _report(self, group: list[tuple[Flush, Outcome]], error: BaseException) -> None:
        if ends_connection(error):
            # Committed or not, nobody knows: every saga of the group is dropped and replayed from the ledger.
            close_connection()
            for _, outcome in group:
                unknown = FlushUnknown("the answer to a flush was lost")
                unknown.__cause__ = error
                outcome.set_exception(unknown)
        elif len(group) == 1:
            group[0][1].set_exception(error)
        else:
            # The server said no to the statement as a whole: nothing of it is durable. One by one finds the culprit.
            for item in group:
                self._write([item])

    @staticmethod
    def _send(flushes: list[Flush]) -> dict[UUID, int]:
        with engine_cursor() as cursor:
            passed = ledger.write(cursor, flushes, wait=False)
        counts.add(commits=1)
        return passed
