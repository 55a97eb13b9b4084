"""File locks that count the users of a server. The kernel frees them however a process ends, SIGKILL included.

`flock` locks belong to the open file, which a forked child shares with its parent. So a lock is given up by closing the
file, never by unlocking it, and a child closes what it inherited: it counts as a user once it takes a lock of its own.
"""

import fcntl
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class FileLock:
    """A lock on one file, held shared or exclusively by this process until `release()` or its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        _locks_of_this_process.add(self)

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def take_shared(self) -> None:
        """Waits until nobody holds it exclusively, then holds it beside the others."""
        self._take(fcntl.LOCK_SH)

    def take_exclusive(self) -> None:
        """Waits until nobody else holds it, then holds it alone."""
        self._take(fcntl.LOCK_EX)

    def try_exclusive(self) -> bool:
        """Holds it alone and says True, or says False at once because somebody else holds it."""
        try:
            self._take(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        self.take_exclusive()
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Gives it up; harmless when it is not held."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _take(self, operation: int) -> None:
        while self._descriptor is None:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self._descriptor = descriptor  # known before it is locked, so that a fork in between closes it in the child
            try:
                fcntl.flock(descriptor, operation)
            except BaseException:
                self.release()
                raise
            if not self._is_still_the_file(descriptor):
                # While we waited, the directory was swept away (and perhaps made anew): this lock excludes nobody.
                self.release()

    def _is_still_the_file(self, descriptor: int) -> bool:
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return False
        mine = os.fstat(descriptor)
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


_locks_of_this_process: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _forget_inherited_locks() -> None:
    for lock in list(_locks_of_this_process):
        lock.release()


os.register_at_fork(after_in_child=_forget_inherited_locks)
