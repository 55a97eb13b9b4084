"""Named places at which a test can kill this process: every boundary between what is durable and what is not.

Off unless `RECOURSE_FAILPOINTS` is set:
    trace=FILE         append the name of every place reached to FILE
    kill=N:NAME        SIGKILL this process at the N-th place reached, which must be NAME (else exit 97: the boundaries
                       are not the ones that were enumerated)
"""

import os
import signal
import threading
from pathlib import Path

_setting = os.environ.get("RECOURSE_FAILPOINTS", "")
_lock = threading.Lock()
_reached = 0


def reach(name: str) -> None:
    """Mark that execution is at the boundary `name`."""
    if _setting:
        _act(name)


def _act(name: str) -> None:
    global _reached  # noqa: PLW0603 - one counter per process is the point
    with _lock:
        _reached += 1
        mode, _, argument = _setting.partition("=")
        if mode == "trace":
            with Path(argument).open("a") as trace:
                trace.write(name + "\n")
        elif mode == "kill":
            ordinal, _, expected = argument.partition(":")
            if _reached == int(ordinal):
                if name != expected:
                    os._exit(97)
                os.kill(os.getpid(), signal.SIGKILL)
