"""What a Celery worker does beside its tasks: it sweeps for due sagas and expired leases, hints or no hints, and at the
end gives its sagas back."""

import logging
import random
import threading
from typing import TYPE_CHECKING, Any

from celery import Celery, bootsteps
from celery.signals import import_modules
from django.conf import settings
from django.db import close_old_connections
from kombu import Queue

if TYPE_CHECKING:
    from sagas.runner import Runner

logger = logging.getLogger("sagas")

#: How long a stopping worker lets its activations come to their next wait; below every supervisor's kill.
GRACE_SECONDS = 8.0


def _runner() -> "Runner":
    """Imported late: Celery's app is made before Django's models are loaded."""
    from sagas.runner import runner

    return runner()


class Sweeper(bootsteps.StartStopStep):
    """Drains every queue of this worker each SWEEP, from a thread of the worker's main process, with every pool.

    It needs neither the broker nor a beat: with the broker empty or down, all due sagas still end.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        from sagas.definition import queues
        from sagas.hints import celery_queue

        mine = {queue.name for queue in worker.app.amqp.queues.consume_from.values()}
        swept = [queue for queue in queues() if celery_queue(queue) in mine]
        self._thread = threading.Thread(target=self._sweep, args=(swept,), name="recourse-sweeper", daemon=True)
        self._thread.start()

    def stop(self, worker: Any) -> None:
        self._stop.set()
        _runner().stop(seconds=GRACE_SECONDS)

    def terminate(self, worker: Any) -> None:
        self._stop.set()
        _runner().stopping.set()

    def _sweep(self, swept: list[str]) -> None:
        seconds = settings.SAGAS["SWEEP"].total_seconds()
        while not self._stop.is_set():
            try:
                for queue in swept:
                    _runner().drain(queue)
            except Exception:
                logger.exception("the sweep failed; the next one tries again")
            close_old_connections()
            # Jitter, so that many workers do not sweep at the same instant.
            self._stop.wait(seconds * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, guards nothing


def install(app: Celery) -> None:
    """Add the sweeper to this app's workers, and let them consume the queues of all registered sagas."""
    app.steps["worker"].add(Sweeper)

    @import_modules.connect(sender=app, weak=False)
    def declare_queues(**_: Any) -> None:
        from sagas.definition import queues
        from sagas.hints import celery_queue

        # RabbitMQ refuses a queue that workers and publishers declare differently.
        kind = app.conf.task_create_missing_queue_type
        arguments = {"x-queue-type": kind} if kind == "quorum" else None
        app.conf.task_queues = [Queue(celery_queue(name), queue_arguments=arguments) for name in queues()]
