"""Tells Celery's workers that a queue has work. A hint may be lost, doubled or late: the ledger is the queue (R22)."""

import logging

from sagas import statements
from sagas.connections import engine_cursor
from sagas.counts import counts
from sagas.failpoints import reach

logger = logging.getLogger("sagas")


def send(queue: str) -> None:
    """Hint that `queue` has work, unless a hint is under way already. Never raises: the sweepers find the work too."""
    reach("start.durable")
    try:
        with engine_cursor() as cursor:
            raised = cursor.execute(statements.RAISE_HINT, {"queue": queue}).fetchone()
        counts.add(statements=1, commits=1)
        if raised is not None:
            publish(queue)
    except Exception as error:  # noqa: BLE001 - nothing that can happen to a hint may reach the caller
        logger.warning("no hint for queue %s (%s): its sagas wait for the next sweep", queue, error)


def publish(queue: str) -> None:
    """Send the message itself."""
    from sagas.tasks import drain

    drain.apply_async(args=(queue,), queue=celery_queue(queue))


def after_commit(queue: str) -> None:
    """Hint once the open transaction, if there is one, has committed."""
    from django.db import transaction

    transaction.on_commit(lambda: send(queue))


def lower(queue: str) -> None:
    """No hint is under way any more: the next start sends one."""
    with engine_cursor() as cursor:
        cursor.execute(statements.LOWER_HINT, {"queue": queue})
    counts.add(statements=1, commits=1)


def celery_queue(queue: str) -> str:
    """The broker's name of a queue of sagas."""
    return f"recourse.{queue}"
