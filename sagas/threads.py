"""Threads that close their database connection when they end; the standard pool leaves Django's connections open."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from sagas.connections import close_connection

P = ParamSpec("P")
T = TypeVar("T")

_Job = Callable[[], None]


class Threads:
    """Runs submitted calls on up to `most` threads, started when none is idle."""

    def __init__(self, most: int, *, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._stopped = False

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `function` on a thread; its result or error is in the future."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - the caller's thread gets it
                future.set_exception(error)

        with self._lock:
            if self._stopped:
                raise RuntimeError(f"{self._name}: stopped, takes no more work")
            self._jobs.put(job)
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
                thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def stop(self, *, seconds: float) -> None:
        """Let each thread end after its present call; wait so long for all of them together."""
        with self._lock:
            self._stopped = True
            for _ in self._threads:
                self._jobs.put(None)
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(timeout=max(end - time.monotonic(), 0))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # or its arguments would live until the next job comes
            self._idle.release()
        close_connection()
