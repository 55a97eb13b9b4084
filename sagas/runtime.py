"""What the activations of one process share."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor

from sagas import guard
from sagas.flusher import Flusher


class Runtime:
    """The flusher, the helper threads for remote calls, and this process's name in the ledger."""

    def __init__(self, *, activations: int) -> None:
        guard.install()
        self.actor = f"worker:{socket.gethostname()}:{os.getpid()}"
        self.flusher = Flusher()
        # Twice as many: a call that outlives its time limit keeps its thread until its client gives up.
        self.helpers = ThreadPoolExecutor(max_workers=2 * activations, thread_name_prefix="recourse-call")

    def stop(self) -> None:
        """Write what was handed in, then end. Calls still under way are not waited for."""
        self.helpers.shutdown(wait=False, cancel_futures=True)
        self.flusher.stop()
