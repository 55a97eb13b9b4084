"""INT, TERM and HUP end the demo by one exception in its main thread, once, and never while a child is being started.

After the first signal the others are ignored: nothing interrupts the cleaning up.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal asked the demo to end. Not an Exception, so that nothing takes it for a failure and carries on."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Interrupts:
    """Turns signals into `Interrupted` while `listening()`."""

    def __init__(self) -> None:
        self._pending: int | None = None
        self._depth = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """For the main thread. The signals stay ignored afterwards: the process is about to end."""
        for number in SIGNALS:
            signal.signal(number, self._arrived)
        try:
            yield
        finally:
            ignore_signals()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """A signal that arrives inside is raised at the end of the block, whatever came of the block."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._pending is not None and self._depth == 0:
                raise Interrupted(self._pending)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        ignore_signals()
        if self._depth:
            self._pending = number
        else:
            raise Interrupted(number)


def ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
