"""What the activations of one process share."""

import os
import socket

from sagas import guard
from sagas.flusher import Flusher
from sagas.threads import Threads


class Runtime:
    """The flusher, the helper threads for remote calls, and this process's name in the ledger."""

    def __init__(self, *, activations: int) -> None:
        guard.install()
        self.actor = f"worker:{socket.gethostname()}:{os.getpid()}"
        self.flusher = Flusher()
        # Twice as many: a call that outlives its time limit keeps its thread until its client gives up.
        self.helpers = Threads(2 * activations, name="recourse-call")

    def stop(self) -> None:
        """Write what was handed in, then end. Calls still under way are not waited for."""
        self.helpers.stop(seconds=0.5)
        self.flusher.stop(seconds=2)
