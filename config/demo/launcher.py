"""Becomes another program, which is told to end when its parent does: `launcher.py PARENT PROGRAM ARGUMENT...`.

A program of its own, and not code between fork and exec: the demo has threads, and their locks do not survive a fork.
It imports next to nothing, so it costs a few hundredths of a second.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, program, *arguments = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)  # the demo ignores them once it is ending; that would be inherited
    if sys.platform == "linux":
        # TERM, not KILL: the leader ends its own children, and the last user of the embedded PostgreSQL stops it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        sys.exit("the demo ended before this program was started")  # too early for the kernel to tell us
    os.execv(program, [program, *arguments])  # noqa: S606 - a shell is what we do not want


if __name__ == "__main__":
    main()
