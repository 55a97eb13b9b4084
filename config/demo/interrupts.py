"""INT, TERM and HUP end the demo by one exception in its main thread, once, and never while a child is being started.

After the first signal the others are ignored: nothing interrupts the cleaning up.
"""

import signal
import sys
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
        self._arrived: int | None = None
        self._depth = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """For the main thread. The signals stay ignored afterwards: the process is about to end."""
        told_before = sys.unraisablehook
        sys.unraisablehook = lambda lost: None if isinstance(lost.exc_value, Interrupted) else told_before(lost)
        for number in SIGNALS:
            signal.signal(number, self._receive)
        try:
            yield
        finally:
            ignore_signals()
            sys.unraisablehook = told_before

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """A signal that arrives inside is raised at the end of the block, whatever came of the block."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            self.check()

    def check(self) -> None:
        """Raises `Interrupted` if a signal has arrived, be it for the second time.

        An exception out of a signal handler is lost where it meets a finaliser or a callback of the interpreter (once
        in a dozen trials while migrating). So everything that waits asks here as well.
        """
        if self._arrived is not None and not self._depth:
            raise Interrupted(self._arrived)

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        ignore_signals()
        self._arrived = number
        self.check()


def ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
